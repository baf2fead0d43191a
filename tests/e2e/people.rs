//! What people do to merge requests and branches, and what the bot makes of it.

use super::forge::On;
use super::world::{World, statuses};
use imagebot::repo::MergeRequestState;

on_every_forge!(
    f10_what_servers_and_keys_do_to_a_commit_leaves_it_the_bots,
    f10_a_reworded_commit_is_a_persons_work,
    f12_closed_by_a_person_is_declined_until_there_is_a_newer_version,
    f16_closed_with_its_branch_deleted_is_declined_too,
    f15_merged_and_reverted_is_not_proposed_again_until_there_is_a_newer_version,
    f15_a_tag_that_goes_back_and_forth_is_no_revert,
    f9_a_persons_commit_on_the_branch_is_told_once_and_never_overwritten,
    f9_a_persons_commit_stays_also_when_nothing_is_proposed_any_more,
    f10_an_amended_commit_is_a_persons_work,
    f10_a_rebased_commit_is_still_the_bots,
    f11_a_push_between_reading_and_writing_is_never_overwritten,
    t34_what_people_write_in_the_text_stays_and_commands_nothing,
);

/// A world with an open merge request from 1.0.0 to 1.1.0, and its branch.
async fn proposed(on: On) -> (World, String) {
    let world = World::on(on).await;
    let one = world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{one}\nRUN x\n"));
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    (world, source)
}

async fn f12_closed_by_a_person_is_declined_until_there_is_a_newer_version(on: On) {
    let (world, _) = proposed(on).await;
    world.close("app", 1).await;
    for _ in 0..2 {
        assert_eq!(statuses(&world.pass().await, "app"), ["declined"]);
    }
    // F48: the forge remembers, not the store.
    world.forget();
    assert_eq!(statuses(&world.pass().await, "app"), ["declined"]);
    assert_eq!(world.open_mrs("app").await, []);
    world.push("base", "1.2.0").await;
    assert_eq!(statuses(&world.pass().await, "app"), ["open"]);
    let mr = world.mr("app").await;
    assert_eq!(mr.number, 2);
    assert!(mr.title.ends_with("to 1.2.0 (minor)"));
    assert_eq!(world.mrs("app").await[0].state, MergeRequestState::Closed);
}

async fn f16_closed_with_its_branch_deleted_is_declined_too(on: On) {
    let (world, source) = proposed(on).await;
    world.close("app", 1).await;
    world.reset("app", &source, None);
    assert_eq!(statuses(&world.pass().await, "app"), ["declined"]);
    assert_eq!(world.head("app", &source), None);
}

async fn f15_merged_and_reverted_is_not_proposed_again_until_there_is_a_newer_version(on: On) {
    let (world, source) = proposed(on).await;
    let before = world.file("app", "main", "Dockerfile");
    world.merge("app", 1).await;
    assert_ne!(world.file("app", "main", "Dockerfile"), before);
    assert_eq!(statuses(&world.pass().await, "app"), [""; 0]);
    world.commit("app", "Dockerfile", &before);
    for _ in 0..2 {
        assert_eq!(statuses(&world.pass().await, "app"), ["reverted"]);
    }
    world.forget();
    assert_eq!(statuses(&world.pass().await, "app"), ["reverted"]);
    assert_eq!(world.head("app", &source), None);
    world.push("base", "1.2.0").await;
    assert_eq!(statuses(&world.pass().await, "app"), ["open"]);
    assert_eq!(world.mr("app").await.number, 2);
}

async fn f15_a_tag_that_goes_back_and_forth_is_no_revert(on: On) {
    let world = World::on(on).await;
    let one = world.push("base", "1.0.0").await;
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{one}\n"));
    for (number, contents) in ["rebuilt", "base 1.0.0", "rebuilt"].into_iter().enumerate() {
        let digest = world.move_tag("base", "1.0.0", contents).await;
        assert_eq!(statuses(&world.pass().await, "app"), ["open"], "{number}");
        let mr = world.mr("app").await;
        world.merge("app", mr.number).await;
        assert_eq!(
            world.file("app", "main", "Dockerfile"),
            format!("FROM {image}:1.0.0@{digest}\n")
        );
    }
}

/// A person's work is on the branch: it stays, is told once, also when there is a newer version.
async fn stays_foreign(world: &World, source: &str) {
    let head = world.head("app", source);
    for round in 0..4 {
        match round {
            1 => drop(world.push("base", "1.2.0").await),
            2 => world.forget(),
            _ => {}
        }
        assert_eq!(statuses(&world.pass().await, "app"), ["foreign"]);
        assert_eq!(world.head("app", source), head, "never overwritten");
    }
    let comments = world.comments("app", 1).await;
    assert_eq!(
        comments.matches("commits that are not imagebot's").count(),
        1,
        "{comments}"
    );
    assert_eq!(world.mrs("app").await.len(), 1);
}

async fn f9_a_persons_commit_on_the_branch_is_told_once_and_never_overwritten(on: On) {
    let (world, source) = proposed(on).await;
    let fix = [("fix.txt", "100644", b"x".as_slice())];
    world.commit_files("app", &source, &fix, "Make it work with the new base\n");
    stays_foreign(&world, &source).await;
}

async fn f9_a_persons_commit_stays_also_when_nothing_is_proposed_any_more(on: On) {
    let (world, source) = proposed(on).await;
    let fix = [("fix.txt", "100644", b"x".as_slice())];
    let head = world.commit_files("app", &source, &fix, "Make it work\n");
    let text = world.file("app", &source, "Dockerfile");
    world.commit("app", "Dockerfile", &text);
    assert_eq!(statuses(&world.pass().await, "app"), ["foreign"]);
    assert_eq!(world.head("app", &source), Some(head));
    assert_eq!(world.open_mrs("app").await.len(), 1);
}

async fn f10_an_amended_commit_is_a_persons_work(on: On) {
    let (world, source) = proposed(on).await;
    let dir = world.dir("app");
    let name = format!("refs/heads/{source}");
    let raw = super::bare::git(Some(&dir), &["cat-file", "commit", &name], b"");
    let raw = String::from_utf8(raw).expect("text");
    // The message, the seal and the author are the bot's; the file is not.
    let text = world.file("app", &source, "Dockerfile") + "RUN by-hand\n";
    let ours = world.head("app", &source).expect("a head");
    let (_, message) = raw.split_once("\n\n").expect("a message");
    let main = world.head("app", "main").expect("a head");
    world.reset("app", &source, Some(&main));
    let files = [("Dockerfile", "100644", text.as_bytes())];
    let amended = world.commit_files("app", &source, &files, message.trim_end());
    assert_ne!(amended, ours);
    stays_foreign(&world, &source).await;
    // Put back by hand, it is the bot's again.
    world.reset("app", &source, Some(&ours));
    assert_eq!(statuses(&world.pass().await, "app"), ["update"]);
    assert!(world.mr("app").await.title.ends_with("to 1.2.0 (minor)"));
}

async fn f10_a_rebased_commit_is_still_the_bots(on: On) {
    let (world, source) = proposed(on).await;
    let dir = world.dir("app");
    let name = format!("refs/heads/{source}");
    let message = super::bare::git(Some(&dir), &["log", "-1", "--format=%B", &name], b"");
    let text = world.file("app", &source, "Dockerfile");
    let main = world.commit("app", "README.md", "hello\n");
    world.reset("app", &source, Some(&main));
    let files = [("Dockerfile", "100644", text.as_bytes())];
    let message = String::from_utf8(message).expect("text");
    world.commit_files("app", &source, &files, message.trim_end());
    assert_eq!(statuses(&world.pass().await, "app"), ["unchanged"]);
    world.push("base", "1.2.0").await;
    assert_eq!(statuses(&world.pass().await, "app"), ["update"]);
    assert_eq!(world.commits("app", &source).len(), 1);
}

async fn f11_a_push_between_reading_and_writing_is_never_overwritten(on: On) {
    let (world, source) = proposed(on).await;
    world.push("base", "1.2.0").await;
    let (dir, name) = (world.dir("app"), format!("refs/heads/{source}"));
    let main = world.head("app", "main").expect("a head");
    let checkpoint = imagebot::run::Checkpoint::new(move |step| {
        if step == "committed" {
            super::bare::git(Some(&dir), &["update-ref", &name, &main], b"");
        }
    });
    let report = world.pass_with(checkpoint).await;
    assert_eq!(statuses(&report, "app"), ["moved"]);
    assert_eq!(world.head("app", &source), world.head("app", "main"));
}

async fn t34_what_people_write_in_the_text_stays_and_commands_nothing(on: On) {
    let (world, source) = proposed(on).await;
    let mr = world.mr("app").await;
    let text = format!("Please wait. - [x] rebase\n\n{}\n\nThanks!", mr.description);
    world.forge.describe("app", 1, &text).await;
    let head = world.head("app", &source);
    assert_eq!(statuses(&world.pass().await, "app"), ["unchanged"]);
    assert_eq!(world.head("app", &source), head);
    world.push("base", "1.2.0").await;
    assert_eq!(statuses(&world.pass().await, "app"), ["update"]);
    let text = world.mr("app").await.description;
    assert!(text.starts_with("Please wait. - [x] rebase\n\n"), "{text}");
    assert!(
        text.ends_with("\n\nThanks!") && text.contains("1.2.0"),
        "{text}"
    );
}

/// Replaces the head of a branch by a commit made of its raw text.
fn rewrite(world: &World, source: &str, change: impl FnOnce(&str) -> String) -> String {
    let name = format!("refs/heads/{source}");
    world.forge.with_git("app", |dir| {
        let raw = super::bare::git(Some(dir), &["cat-file", "commit", &name], b"");
        let raw = change(&String::from_utf8(raw).expect("text"));
        let args = ["hash-object", "-t", "commit", "-w", "--stdin"];
        let id = super::bare::git(Some(dir), &args, raw.as_bytes());
        let id = String::from_utf8(id).expect("text").trim().to_owned();
        super::bare::git(Some(dir), &["update-ref", &name, &id], b"");
        id
    })
}

/// *Update branch*, and a signature that a server or a person puts under it.
async fn f10_what_servers_and_keys_do_to_a_commit_leaves_it_the_bots(on: On) {
    let (world, source) = proposed(on).await;
    let signed = rewrite(&world, &source, |raw| {
        let (head, message) = raw.split_once("\n\n").expect("a message");
        let signature = "-----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----";
        format!("{head}\ngpgsig {signature}\n\n{message}")
    });
    assert_eq!(statuses(&world.pass().await, "app"), ["unchanged"]);
    assert_eq!(world.head("app", &source), Some(signed.clone()));
    let main = world.commit("app", "README.md", "hello\n");
    world.forge.with_git("app", |dir| {
        let text = |args: &[&str]| {
            let output = super::bare::git(Some(dir), args, b"");
            String::from_utf8(output).expect("text").trim().to_owned()
        };
        let tree = text(&["merge-tree", "--write-tree", &signed, &main]);
        let message = "Merge branch 'main' into the branch";
        let merge = text(&[
            "commit-tree",
            &tree,
            "-p",
            &signed,
            "-p",
            &main,
            "-m",
            message,
        ]);
        text(&["update-ref", &format!("refs/heads/{source}"), &merge]);
    });
    assert_eq!(statuses(&world.pass().await, "app"), ["unchanged"]);
    world.push("base", "1.2.0").await;
    assert_eq!(statuses(&world.pass().await, "app"), ["update"]);
    assert_eq!(world.commits("app", &source).len(), 1);
}

async fn f10_a_reworded_commit_is_a_persons_work(on: On) {
    let (world, source) = proposed(on).await;
    rewrite(&world, &source, |raw| raw.replacen("Update ", "Bump ", 1));
    stays_foreign(&world, &source).await;
}
