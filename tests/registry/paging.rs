//! Tag lists: complete, or an error.

use crate::bench::{Bench, image, listed, names};
use crate::fake_registry::{FakeRegistry, Fault, Paging, Style};
use imagebot::registry::HostSettings;
use serde_json::json;

async fn with_tags(paging: Paging) -> (FakeRegistry, Bench) {
    let fake = FakeRegistry::start().await;
    fake.list("team/app", ["1", "2", "3", "4", "5"]);
    fake.set_paging(paging);
    let bench = Bench::new(vec![listed(&fake)]);
    (fake, bench)
}

#[tokio::test]
async fn every_style_of_link_is_followed_to_the_end() {
    for style in [
        Style::Relative,
        Style::Absolute,
        Style::Opaque,
        Style::Several,
        Style::PathBug,
    ] {
        let (fake, bench) = with_tags(Paging::Links(2, style)).await;
        let tags = bench
            .tags(&image(&fake, "team/app"), None)
            .await
            .expect("tags");
        assert_eq!(names(&tags), ["1", "2", "3", "4", "5"], "{style:?}");
        let log = fake.take_log();
        assert_eq!(log.len(), 3, "{style:?}");
        assert!(
            log.iter()
                .all(|request| request.target.starts_with("/v2/team/app/tags/list?"))
        );
    }
}

#[tokio::test]
async fn t2_a_next_page_elsewhere_is_an_error_and_not_a_short_list() {
    let (fake, bench) = with_tags(Paging::Links(2, Style::Elsewhere)).await;
    let evil = FakeRegistry::start().await;
    fake.set_elsewhere(evil.url());
    assert_eq!(
        bench.tags_code(&image(&fake, "team/app"), None).await,
        "link-refused"
    );
    assert_eq!(evil.connections(), 0);
    // Behind a reverse proxy the operator may say that it means this origin.
    let bench = Bench::new(vec![HostSettings {
        rebase_links: true,
        ..listed(&fake)
    }]);
    let tags = bench
        .tags(&image(&fake, "team/app"), None)
        .await
        .expect("tags");
    assert_eq!(tags.tags.len(), 5);
    assert_eq!(evil.connections(), 0);
}

#[tokio::test]
async fn t27_a_list_that_does_not_end_is_an_error() {
    for (style, most) in [
        (Style::Loop, 1),
        (Style::Endless, 2),
        (Style::Growing, 1000),
    ] {
        let (fake, bench) = with_tags(Paging::Links(9, style)).await;
        assert_eq!(
            bench.tags_code(&image(&fake, "team/app"), None).await,
            "endless-list",
            "{style:?}"
        );
        assert_eq!(fake.take_log().len(), most, "{style:?}");
    }
}

#[tokio::test]
async fn t22_names_that_are_no_tags_are_dropped_and_counted() {
    let fake = FakeRegistry::start().await;
    let bad = [
        "1.0\nRUN curl evil",
        "1 0",
        "\u{202e}1",
        "$(id)",
        "`id`",
        "@everyone",
        "../x",
        "-rm",
        "",
    ];
    fake.list("app", ["1.0"]);
    fake.list("app", bad);
    fake.list(
        "app",
        [
            json!("a".repeat(129)),
            json!(7),
            json!(null),
            json!("2.0"),
            json!("1.0"),
        ],
    );
    let bench = Bench::new(vec![listed(&fake)]);
    let tags = bench.tags(&image(&fake, "app"), None).await.expect("tags");
    assert_eq!(names(&tags), ["1.0", "2.0"]);
    assert_eq!(tags.dropped, bad.len() + 3);
}

#[tokio::test]
async fn f30_a_sign_in_page_is_no_empty_list() {
    let (fake, bench) = with_tags(Paging::All).await;
    let app = image(&fake, "team/app");
    let json = || vec![("content-type", "application/json".to_owned())];
    for body in [
        Fault::html(),
        Fault::Answer(200, json(), b"{}".to_vec()),
        Fault::Answer(200, json(), b"[]".to_vec()),
        Fault::status(200),
    ] {
        fake.fail("GET", 1, body);
        assert_eq!(bench.tags_code(&app, None).await, "not-a-registry");
    }
    fake.fail("GET", 1, Fault::status(304));
    assert_eq!(bench.tags_code(&app, None).await, "redirect-refused");
}

#[tokio::test]
async fn f31_an_empty_list_is_empty() {
    let fake = FakeRegistry::start().await;
    fake.list("app", [""; 0]);
    fake.set_null_tags("null");
    let bench = Bench::new(vec![listed(&fake)]);
    for path in ["app", "null"] {
        let tags = bench.tags(&image(&fake, path), None).await.expect("tags");
        assert_eq!((tags.tags.len(), tags.dropped), (0, 0));
    }
    assert_eq!(
        bench.tags_code(&image(&fake, "gone"), None).await,
        "not-found"
    );
}

#[tokio::test]
async fn f36_a_page_that_fails_fails_the_list() {
    let (fake, bench) = with_tags(Paging::Links(2, Style::Relative)).await;
    fake.fail(
        "GET /v2/team/app/tags/list?n=2&last=4",
        3,
        Fault::status(500),
    );
    assert_eq!(
        bench.tags_code(&image(&fake, "team/app"), None).await,
        "registry-error"
    );
    assert_eq!(fake.take_log().len(), 5);
}

#[tokio::test]
async fn a_page_size_that_is_refused_is_left_out() {
    for status in [405, 400] {
        let (fake, bench) = with_tags(Paging::All).await;
        let body =
            json!({"errors": [{"code": "UNSUPPORTED", "message": "maxResults"}]}).to_string();
        fake.fail(
            "GET /v2/team/app/tags/list?n=1000",
            1,
            Fault::Answer(status, Vec::new(), body.into_bytes()),
        );
        let tags = bench
            .tags(&image(&fake, "team/app"), None)
            .await
            .expect("tags");
        assert_eq!(tags.tags.len(), 5);
        fake.expect(&[
            "GET /v2/team/app/tags/list?n=1000",
            "GET /v2/team/app/tags/list",
        ]);
    }
}

#[tokio::test]
async fn a_full_page_without_a_link_is_probed() {
    let many = |count: usize| (0..count).map(|i| format!("t{i:05}"));
    let fake = FakeRegistry::start().await;
    fake.set_paging(Paging::NoLink);
    fake.list("app", many(1500));
    let bench = Bench::new(vec![listed(&fake)]);
    let tags = bench.tags(&image(&fake, "app"), None).await.expect("tags");
    assert_eq!(tags.tags.len(), 1500);
    fake.expect(&[
        "GET /v2/app/tags/list?n=1000",
        "GET /v2/app/tags/list?n=1000&last=t00999",
    ]);
    // docker-registry 2.8 says the same again whatever it is asked.
    fake.set_paging(Paging::All);
    fake.list("all", many(1000));
    let tags = bench.tags(&image(&fake, "all"), None).await.expect("tags");
    assert_eq!(tags.tags.len(), 1000);
    assert_eq!(fake.take_log().len(), 2);
    // One that does not know `last`.
    fake.fail("GET /v2/all/tags/list?n=1000&last=", 1, Fault::status(400));
    let tags = bench.tags(&image(&fake, "all"), None).await.expect("tags");
    assert_eq!(tags.tags.len(), 1000);
}

#[tokio::test]
async fn pages_that_have_not_changed_are_not_sent_again() {
    let (fake, bench) = with_tags(Paging::Links(2, Style::Relative)).await;
    fake.set_etags();
    let app = image(&fake, "team/app");
    assert_eq!(bench.tags(&app, None).await.expect("tags").tags.len(), 5);
    assert!(
        fake.take_log()
            .iter()
            .all(|request| request.header("if-none-match").is_none())
    );
    // The second and third page change, the first does not.
    fake.list("team/app", ["6"]);
    let tags = bench.tags(&app, None).await.expect("tags");
    assert_eq!(names(&tags), ["1", "2", "3", "4", "5", "6"]);
    assert!(
        fake.take_log()
            .iter()
            .all(|request| request.header("if-none-match").is_some())
    );
}
