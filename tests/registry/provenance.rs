//! BuildKit's provenance, in both of its forms, and in none.

use crate::bench::{Bench, image, listed};
use crate::fake_registry::{FakeRegistry, Fault, IMAGE, INDEX};
use imagebot::image::{Digest, ImageName};
use imagebot::registry::{Index, ManifestContent};
use serde_json::{Value, json};

const IN_TOTO: &str = "application/vnd.in-toto+json";

fn statement(version: &str, images: &[(&str, &Digest)]) -> Value {
    let images: Vec<Value> = images
        .iter()
        .map(|(name, digest)| {
            let hex = digest.as_str().trim_start_matches("sha256:");
            json!({"uri": format!("pkg:docker/{name}?platform=linux%2Famd64"), "digest": {"sha256": hex}})
        })
        .collect();
    let predicate = match version {
        "v1" => json!({"buildDefinition": {"resolvedDependencies": images}}),
        _ => json!({"materials": images, "metadata": {"completeness": {"materials": false}}}),
    };
    json!({"_type": "https://in-toto.io/Statement/v0.1", "predicate": predicate,
        "predicateType": format!("https://slsa.dev/provenance/{version}")})
}

/// Pushes an attestation with this statement; `subject` makes it an OCI artifact.
fn attest(fake: &FakeRegistry, version: &str, body: &[u8], subject: Option<&Digest>) -> Digest {
    let config = fake.push_blob("app", b"{}".to_vec());
    let blob = fake.push_blob("app", body.to_vec());
    let bill = fake.push_blob("app", b"no provenance".to_vec());
    let layer = |digest: &Digest, predicate: &str| {
        json!({"mediaType": IN_TOTO, "digest": digest, "size": 1,
        "annotations": {"in-toto.io/predicate-type": predicate}})
    };
    let mut manifest = json!({"schemaVersion": 2, "mediaType": IMAGE,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2},
        "layers": [layer(&bill, "https://spdx.dev/Document"),
            layer(&blob, &format!("https://slsa.dev/provenance/{version}"))]});
    if let Some(subject) = subject {
        manifest["artifactType"] = "application/vnd.docker.attestation.manifest.v1+json".into();
        manifest["subject"] = json!({"mediaType": IMAGE, "digest": subject, "size": 1});
    }
    fake.push_manifest("app", None, IMAGE, manifest.to_string().into_bytes())
}

/// An index of one image and attestations; what each says that it speaks of.
async fn index(
    fake: &FakeRegistry,
    bench: &Bench,
    about: &Digest,
    attestations: &[(&Digest, Option<&Digest>)],
) -> (ImageName, Index) {
    let mut manifests = vec![json!({"mediaType": IMAGE, "digest": about, "size": 1,
        "platform": {"os": "linux", "architecture": "amd64"}})];
    for (digest, about) in attestations {
        let mut annotations = json!({"vnd.docker.reference.type": "attestation-manifest"});
        if let Some(about) = about {
            annotations["vnd.docker.reference.digest"] = about.as_str().into();
        }
        manifests.push(json!({"mediaType": IMAGE, "digest": digest, "size": 1,
            "annotations": annotations, "platform": {"os": "unknown", "architecture": "unknown"}}));
    }
    let body = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
    let digest = fake.push_manifest("app", Some("1"), INDEX, body.to_string().into_bytes());
    let name = image(fake, "app");
    let read = bench.registries.manifest(&name, None, &digest).await;
    match bench.note(read).expect("read").expect("there").content {
        ManifestContent::Index(index) => (name, index),
        ManifestContent::Image(_) => panic!("an index"),
    }
}

/// The images that provenance lists; none where there is none.
async fn listed_by(bench: &Bench, name: &ImageName, index: &Index, of: &Digest) -> Vec<String> {
    let found = bench.registries.provenance(name, None, index, of).await;
    let found = bench.note(found).expect("an answer").unwrap_or_default();
    found.images.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn both_versions_and_both_forms_are_read_and_kept() {
    let fake = FakeRegistry::start().await;
    let bench = Bench::new(vec![listed(&fake)]);
    let (base, tool) = (Digest::sha256(b"base"), Digest::sha256(b"tool"));
    let one = fake.push("app", "one", json!({}));
    let images = [("a/base@1", &base), ("localhost%3A5000/tool", &tool)];
    let expect = [
        format!("a/base:1@{base}"),
        format!("localhost:5000/tool@{tool}"),
    ];
    for (version, artifact, in_index) in [
        ("v0.2", false, true),
        ("v1", false, true),
        ("v1", true, true),
        ("v1", true, false),
    ] {
        let body = statement(version, &images).to_string();
        let subject = artifact.then_some(&one);
        let attestation = attest(&fake, version, body.as_bytes(), subject);
        let about = in_index.then_some(&one);
        let (name, index) = index(&fake, &bench, &one, &[(&attestation, about)]).await;
        assert_eq!(listed_by(&bench, &name, &index, &one).await, expect);
        let other = Digest::sha256(b"other");
        assert_eq!(listed_by(&bench, &name, &index, &other).await, [""; 0]);
        // Kept: nothing is asked again.
        fake.take_log();
        assert_eq!(listed_by(&bench, &name, &index, &one).await, expect);
        fake.expect(&[]);
    }
}

#[tokio::test]
async fn t26_what_is_no_statement_is_an_error_and_what_is_gone_is_none() {
    let fake = FakeRegistry::start().await;
    let bench = Bench::new(vec![listed(&fake)]);
    let one = fake.push("app", "one", json!({}));
    let bad = attest(&fake, "v1", b"<html>", None);
    let (name, found) = index(&fake, &bench, &one, &[(&bad, Some(&one))]).await;
    let error = bench.registries.provenance(&name, None, &found, &one).await;
    assert_eq!(
        bench.note(error).expect_err("malformed").code(),
        "malformed-manifest"
    );

    let gone = Digest::sha256(b"gone");
    let (name, found) = index(&fake, &bench, &one, &[(&gone, Some(&one))]).await;
    assert_eq!(listed_by(&bench, &name, &found, &one).await, [""; 0]);

    // Other content than the digest says is not believed.
    let body = statement("v1", &[("a@1", &gone)]).to_string();
    let good = attest(&fake, "v1", body.as_bytes(), None);
    let (name, found) = index(&fake, &bench, &one, &[(&good, Some(&one))]).await;
    let blob = format!("GET /v2/app/blobs/{}", Digest::sha256(body.as_bytes()));
    fake.fail(&blob, 1, Fault::Answer(200, Vec::new(), b"{}".to_vec()));
    let error = bench.registries.provenance(&name, None, &found, &one).await;
    let error = bench.note(error).expect_err("another digest");
    assert_eq!(error.code(), "digest-mismatch");
    assert_eq!(listed_by(&bench, &name, &found, &one).await.len(), 1);
}
