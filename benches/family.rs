//! How long it takes to draw the graph of a large family, and to read generations and cycles off it.

use imagebot::family::{Graph, Member, Stand};
use imagebot::image::{ImageName, RegistryHost};
use imagebot::repo::{RepoName, RepoPath};
use imagebot::source::RefId;

fn main() {
    divan::main();
}

/// A family of so many images, each on three earlier ones.
fn family(images: usize) -> Vec<Member> {
    let host = RegistryHost::parse("registry.example.com").expect("a host");
    let path = RepoPath::parse("Dockerfile").expect("a path");
    let name = |number: usize| format!("group{}/image{number}", number % 97);
    let members = (0..images).map(|number| {
        let own = name(number);
        let mut member = Member {
            own: Some((host.clone(), own.clone())),
            ..Member::new(RepoName::parse(&own).expect("a name"))
        };
        let parents = [number / 2, number / 3, number.saturating_sub(7)];
        member.stands_on = parents
            .into_iter()
            .filter(|parent| *parent < number)
            .enumerate()
            .map(|(line, parent)| Stand {
                image: ImageName::parse(&format!("{host}/{}", name(parent))).expect("a name"),
                id: RefId {
                    path: path.clone(),
                    ordinal: line,
                },
                line: line + 1,
            })
            .collect();
        member
    });
    members.collect()
}

#[divan::bench(args = [1_000, 10_000, 100_000], sample_count = 10)]
fn graph(bencher: divan::Bencher<'_, '_>, images: usize) {
    let members = family(images);
    bencher.bench_local(|| Graph::new(divan::black_box(&members), &[]));
}
