//! `customManagers` as `[[source]]`, and `hostRules` as lines for the operator.

use super::names::{Of, Unlike, globs, regex_globs};
use crate::convert::draft::{Block, Draft, Setting, quoted};
use crate::convert::origin::Origin;
use crate::convert::value::Value;
use crate::image::ImageName;

/// Renovate's names of groups, and ours.
const GROUPS: [(&str, &str); 4] = [
    ("depName", "image"),
    ("packageName", "image"),
    ("currentValue", "tag"),
    ("currentDigest", "digest"),
];

/// Adds the tables for a custom manager.
pub(super) fn manager(manager: &Value, origin: &Origin, draft: &mut Draft) {
    match blocks(manager, origin) {
        Ok(blocks) => blocks.into_iter().for_each(|block| draft.block(block)),
        Err(why) => draft.note(origin, &why),
    }
}

fn blocks(manager: &Value, origin: &Origin) -> Result<Vec<Block>, String> {
    if !matches!(manager.text_at("customType"), None | Some("regex")) {
        return Err("only managers of the type regex are converted; write a [[source]] with `format` and the path of the value".to_owned());
    }
    let strategy = manager.text_at("matchStringsStrategy");
    if !matches!(strategy, None | Some("any")) {
        return Err(
            "a [[source]] has one pattern for one line; matchStringsStrategy has no counterpart"
                .to_owned(),
        );
    }
    let patterns = manager.get("matchStrings").and_then(Value::texts);
    let patterns = patterns.filter(|patterns| !patterns.is_empty());
    let patterns = patterns.ok_or("it has no `matchStrings`")?;
    let source = manager.text_at("datasourceTemplate");
    let is_commented = |pattern: &&str| pattern.contains("renovate:");
    let files = files(manager, origin)?;
    if matches!(source, None | Some("docker")) && patterns.iter().all(is_commented) {
        // Without a pattern, a [[source]] reads the comments that Renovate has for this.
        let mut block = Block::new("[[source]]", origin);
        let note = "for the comments `# renovate: datasource=docker depName=…`";
        block.needed.push(files.noted(note));
        return Ok(vec![block]);
    }
    match source {
        Some("docker") => {}
        Some(other) => {
            return Err(format!(
                "its data source is {other:?}, so it does not concern container images"
            ));
        }
        None => {
            return Err(
                "its data source is not fixed; write a [[source]] for the images among them"
                    .to_owned(),
            );
        }
    }
    let block = |pattern: &&str| {
        let mut block = Block::new("[[source]]", origin);
        block.needed.push(files.clone());
        let pattern = renamed(pattern)?;
        if !pattern.contains("(?<image>") {
            block.needed.push(image(manager, origin)?);
        }
        block
            .needed
            .push(Setting::raw("pattern", quoted(&pattern), origin));
        Ok(block)
    };
    patterns.iter().map(block).collect()
}

/// The files of a manager: regular expressions in `fileMatch`; globs, or regular expressions between slashes, in
/// `managerFilePatterns`.
fn files(manager: &Value, origin: &Origin) -> Result<Setting, String> {
    let list = |key| manager.get(key).and_then(Value::texts).unwrap_or_default();
    let mut files = Vec::new();
    let why = |error| match error {
        Unlike::NoGlob(what) => format!("{what}; write a [[source]] with globs in `files`"),
        Unlike::NotAnImage => "it matches no file".to_owned(),
    };
    for regex in list("fileMatch") {
        files.extend(regex_globs(regex, Of::Others).map_err(why)?);
    }
    files.extend(globs(&list("managerFilePatterns"), Of::Others).map_err(why)?);
    match files.is_empty() {
        true => Err("it names no files".to_owned()),
        false => Ok(Setting::texts("files", &files, origin)),
    }
}

/// The image of a manager whose pattern does not find one.
fn image(manager: &Value, origin: &Origin) -> Result<Setting, String> {
    let keys = ["packageNameTemplate", "depNameTemplate"];
    let name = keys.iter().find_map(|key| manager.text_at(key));
    let name =
        name.ok_or("its pattern has no group for the name of the image, and no template gives it")?;
    match ImageName::parse(name) {
        Ok(name) => Ok(Setting::text("image", &name.canonical(), origin)),
        Err(_) => Err("the name of its image is a template; write a [[source]] with `image` or a group `image`".to_owned()),
    }
}

/// A pattern with our groups. Others are not kept as groups.
fn renamed(pattern: &str) -> Result<String, String> {
    let is_several_lines = ["\n", r"\n", r"[\s\S]", r"[\S\s]", r"\r"]
        .iter()
        .any(|part| pattern.contains(part));
    if is_several_lines {
        return Err(
            "its pattern spans several lines, and a [[source]] reads line by line".to_owned(),
        );
    }
    let has_package = pattern.contains("(?<packageName>");
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find("(?<") {
        let (before, group) = rest.split_at(at);
        out += before;
        let after = &group["(?<".len()..];
        if after.starts_with(['=', '!']) {
            return Err("its pattern has a lookbehind, which imagebot's do not have".to_owned());
        }
        let Some((name, behind)) = after.split_once('>') else {
            return Err("its pattern is not a regular expression".to_owned());
        };
        let ours = GROUPS.iter().find(|(theirs, _)| *theirs == name);
        let is_second = name == "depName" && has_package;
        match ours.filter(|_| !is_second) {
            Some((_, ours)) => out += &format!("(?<{ours}>"),
            None if name == "registryUrl" => {
                return Err("its pattern has a group for the registry; write a [[source]] with the groups `registry` and `repository`".to_owned());
            }
            None => out += "(?:",
        }
        rest = behind;
    }
    Ok(out + rest)
}

/// Adds lines for the operator about a host. A secret of the file is never repeated.
pub(super) fn host(rule: &Value, origin: &Origin, draft: &mut Draft) {
    let host_type = rule.text_at("hostType");
    if !matches!(host_type, None | Some("docker")) {
        let why = "it is not about a registry; tokens of forges belong to [[forge]] in the operator's config.toml";
        return draft.note(origin, why);
    }
    let Some(written) = ["matchHost", "hostName", "domainName", "baseUrl"]
        .iter()
        .find_map(|key| rule.text_at(key))
    else {
        return draft.note(origin, "it has no `matchHost`");
    };
    let host = written.rsplit("://").next().unwrap_or_default();
    let host = host.split('/').next().unwrap_or_default();
    // What precedes an @ may be a password.
    let host = host.rsplit('@').next().unwrap_or_default();
    let username = rule.text_at("username").unwrap_or("bot");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-$+".contains(c);
    let username = Some(username).filter(|name| name.chars().all(is_plain));
    draft.operator(&format!(
        "[[registry]]\nhost = {}\nlogin = {{ username = {}, password = {{ env = \"REGISTRY_PASSWORD\" }} }}",
        quoted(host),
        quoted(username.unwrap_or("bot"))
    ));
    draft.note(
        origin,
        "a repository cannot set hosts or logins; see the lines for the operator",
    );
}
