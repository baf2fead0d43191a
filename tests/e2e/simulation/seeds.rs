//! Which families are told of: small ones with everything in them.

use super::world::World;
use imagebot::image::ImageName;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const MOST_IMAGES: u64 = 8;

/// Whether a family is small, with a diamond and a repository that holds several images.
pub(super) fn suits(values: &World) -> bool {
    let images = values.repos.iter().map(|repo| repo.images.len());
    let few = images.clone().sum::<usize>() as u64 <= MOST_IMAGES;
    few && images.max() > Some(1) && holds_a_diamond(values)
}

/// Whether two parents of an image stand on the same image, and neither on the other.
fn holds_a_diamond(values: &World) -> bool {
    let mut above: BTreeMap<ImageName, BTreeSet<ImageName>> = BTreeMap::new();
    let mut found = false;
    // Images stand only on earlier ones.
    for (index, repo) in values.repos.iter().enumerate() {
        for image in &repo.images {
            let parents = values.parents(index, image).into_iter();
            let parents: Vec<ImageName> = parents.map(|(name, ..)| name).collect();
            let of = |name: &ImageName| above.get(name).cloned().unwrap_or_default();
            found |= parents.iter().any(|one| {
                parents.iter().any(|other| {
                    let (over_one, over_other) = (of(one), of(other));
                    let apart = !over_one.contains(other) && !over_other.contains(one);
                    one != other && apart && !over_one.is_disjoint(&over_other)
                })
            });
            let all = parents.iter().flat_map(&of).chain(parents.iter().cloned());
            let all = all.collect();
            above.insert(image.name.clone(), all);
        }
    }
    found
}
