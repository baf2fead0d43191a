//! The forge's tokens: one for each group, used for the forge's own registry too, and to be found nowhere.

use super::canary;
use super::fake_gitlab::{FakeGitLab, NewToken};
use super::fake_registry::Auth;
use super::forge::{On, TestForge};
use super::world::{World, of, reasons, statuses};
use imagebot::image::Digest;

impl World {
    /// Where credentials stand that should not: here, and on the server.
    pub(crate) fn leaks(&self) -> Vec<String> {
        let secrets = ["secret", "token", "token-a", "token-b"].map(|name| self.path(name));
        let mut places = canary::below(&self.path(""), &secrets);
        let (folder, texts) = self.forge.written();
        if let Some(folder) = folder {
            places.extend(canary::below(&folder, &[]));
        }
        for text in texts {
            let forms = canary::found(text.as_bytes());
            places.extend(forms.iter().map(|form| format!("{form} in {text}")));
        }
        places
    }
}

on_every_server!(t8_t52_the_search_finds_a_token_on_the_server_in_any_form);

async fn t8_t52_the_search_finds_a_token_on_the_server_in_any_form(on: On) {
    use base64::Engine as _;
    let world = World::on(on).await;
    let one = world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    world.repo(
        "app",
        &format!("FROM {}:1.0.0@{one}\n", world.image("base")),
    );
    world.pass().await;
    assert_eq!(world.leaks(), [""; 0]);
    let text = world.mr("app").await.description;
    let token = world.forge.token().expect("a token");
    let base64 = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
    let hex = |text: &str| -> String { text.bytes().map(|b| format!("{b:02x}")).collect() };
    let percent = |text: &str| -> String { text.bytes().map(|b| format!("%{b:02X}")).collect() };
    let forms = [
        token.clone(),
        base64(token.clone()),
        base64(format!("x-access-token:{token}")),
        base64(format!("imagebot:{token}")),
        base64(format!("oauth2:{token}")),
        hex(&token),
        hex(&token).to_uppercase(),
        percent(&token),
        percent(&token).to_lowercase(),
    ];
    for form in forms {
        world.forge.describe("app", 1, &form).await;
        assert!(!world.leaks().is_empty(), "{form}");
    }
    world.forge.describe("app", 1, &text).await;
    assert_eq!(world.leaks(), [""; 0]);
}

/// A GitLab with two groups, a private project and image in each, and its own registry.
struct Groups {
    world: World,
    tokens: [String; 2],
    digests: [Digest; 2],
}

fn gitlab(world: &World) -> &FakeGitLab {
    match &world.forge {
        TestForge::GitLab(fake, _) => fake,
        _ => unreachable!("it is a GitLab"),
    }
}

async fn groups() -> Groups {
    let world = World::on(On::GitLab).await;
    let fake = gitlab(&world);
    let registry = world.server.fake();
    fake.serve_registry(&world.server.host(), registry.tokens.clone());
    registry.set_auth(Auth::Bearer {
        challenges: vec![format!(
            "Bearer realm=\"{}/jwt/auth\",service=\"container_registry\"",
            fake.url()
        )],
    });
    let mut tokens = Vec::new();
    let mut digests = Vec::new();
    for (group, file, newest) in [("alpha", "token-a", "1.8.8"), ("beta", "token-b", "1.7.0")] {
        let user = fake.user(group, &[(group, 30)]);
        let token = fake.token(NewToken {
            user,
            reach: Some(group),
            ..NewToken::default()
        });
        world.write_secret(file, &token);
        tokens.push(token);
        let image = format!("{group}/tools");
        world.forge.create(&image);
        digests.push(registry.push(&image, "1.0.0", serde_json::json!({})));
        let secret =
            serde_json::json!({"org.opencontainers.image.title": format!("secret of {group}")});
        registry.push(&image, newest, secret);
    }
    let forge = format!(
        "[[forge]]\nkind = \"gitlab\"\nurl = \"{}\"\ntokens = [{{ prefix = \"alpha\", token = {{ file = \"token-a\" }} }}, \
         {{ prefix = \"beta\", token = {{ file = \"token-b\" }} }}]\n",
        fake.url()
    );
    world.configure_forge(&forge, "");
    Groups {
        world,
        tokens: tokens.try_into().expect("two"),
        digests: digests.try_into().expect("two"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t51_nothing_of_one_group_crosses_over_to_the_other() {
    for nosy in [true, false] {
        let Groups {
            world,
            tokens,
            digests: [a, b],
        } = groups().await;
        let host = world.server.host();
        let own =
            |group: &str, digest: &Digest| format!("FROM {host}/{group}/tools:1.0.0@{digest}\n");
        world.repo("alpha/base", &own("alpha", &a));
        let text = match nosy {
            true => format!("{}{}", own("beta", &b), own("alpha", &a)),
            false => own("beta", &b),
        };
        world.repo("beta/base", &text);
        gitlab(&world).clear_log();
        let report = world.any_pass().await;
        // The forge's token is that of its own registry without further words.
        assert_eq!(statuses(&report, "alpha/base"), ["open"], "{report:#?}");
        assert_eq!(statuses(&report, "beta/base"), ["open"], "{report:#?}");
        let expect: &[&str] = match nosy {
            true => &["new-tag", "lookup-failed"],
            false => &["new-tag"],
        };
        assert_eq!(reasons(&report, "beta/base"), expect);
        assert_eq!(report.failed(), nosy);
        let mr = world.mr("beta/base").await;
        let changed = world.file("beta/base", mr.source.as_str(), "Dockerfile");
        assert_eq!(
            changed.contains(&own("alpha", &a)),
            nosy,
            "it stays: {changed}"
        );
        // Neither now nor with what the first pass has left in the cache.
        let again = world.any_pass().await;
        assert_eq!(reasons(&again, "beta/base"), expect);
        for report in [&report, &again] {
            let told = format!("{:?} {mr:?}", of(report, "beta/base"));
            assert!(
                !told.contains("secret of alpha") && !told.contains("1.8.8"),
                "{told}"
            );
        }
        // Who asked the token service for what: never one group's token for the other's repository.
        let asked: Vec<(u64, bool)> = gitlab(&world)
            .requests()
            .iter()
            .filter(|r| r.target.starts_with("/jwt/auth"))
            .map(|r| (r.token, r.target.contains("alpha")))
            .collect();
        let ids = tokens
            .each_ref()
            .map(|token| gitlab(&world).token_id(token));
        assert!(asked.contains(&(ids[0], true)) && asked.contains(&(ids[1], false)));
        assert!(!asked.contains(&(ids[0], false)), "{asked:?}");
        assert_eq!(asked.contains(&(ids[1], true)), nosy, "{asked:?}");
        // With the registry's tokens, B's request for A's image opened nothing.
        let log = world.server.fake().take_log();
        let of_a = log
            .iter()
            .filter(|l| l.target.starts_with("/v2/alpha/tools/"));
        let mut used: Vec<&str> = of_a.filter_map(|l| l.header("authorization")).collect();
        used.sort_unstable();
        used.dedup();
        // One for each who asks, in each of the two passes; B, who is refused, gets a fresh one once a pass unless
        // two of its requests are refused at the same time and share it.
        let most = if nosy { 6 } else { 2 };
        let least = if nosy { 4 } else { 2 };
        assert!((least..=most).contains(&used.len()), "{used:?}");
    }
}

/// A registry knows its login, and may say it again wherever a text is read from it (B6).
#[tokio::test]
async fn b6_a_registry_that_repeats_the_login_gets_it_into_nothing() {
    let world = World::new().await;
    let secret = "CANARY-registry-password";
    let host = world.server.host();
    world.write_secret("secret", secret);
    let login = format!(
        "[[registry]]\nhost = \"{host}\"\nplain_http = true\nlogin = {{ username = \"bot\", password = {{ file = \"secret\" }} }}\n"
    );
    world.configure_all(&login);
    let registry = world.server.fake();
    registry.set_etags();
    let labels = serde_json::json!({
        "org.opencontainers.image.source": format!("https://example.com/{secret}"),
        "org.opencontainers.image.revision": secret,
        "org.opencontainers.image.title": format!("bot:{secret}"),
        secret: "x",
    });
    registry.push("base", "1.0.0", labels.clone());
    registry.push("base", "1.1.0", labels.clone());
    registry.push("base", &format!("1.2.0-{secret}"), labels);
    world.repo("app", &format!("FROM {}:1.0.0\n", world.image("base")));
    let report = world.pass().await;
    assert_eq!(statuses(&report, "app"), ["open"]);
    assert!(world.mr("app").await.description.contains("[redacted]"));
    for (fault, kind) in [
        (401, "text/plain"),
        (403, "application/json"),
        (500, "text/html"),
    ] {
        let body = serde_json::json!({"errors": [{"code": "DENIED", "message": secret, "detail": secret}]});
        let headers = vec![
            ("content-type", kind.to_owned()),
            (
                "www-authenticate",
                format!("Bearer realm=\"https://{secret}.example/\",service=\"{secret}\""),
            ),
            ("etag", format!("\"{secret}\"")),
        ];
        let fault =
            super::fake_registry::Fault::Answer(fault, headers, body.to_string().into_bytes());
        registry.fail("GET /v2/base/tags", 100, fault);
        world.forget();
        world.any_pass().await;
        registry.heal();
    }
    assert_eq!(world.leaks(), [""; 0]);
}
