//! The repositories of a demo, and which image is built on which.

use std::collections::BTreeSet;

/// A repository of the demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoRepository {
    /// Its name.
    pub name: String,
    /// The images that it builds, parents before children. A single image has the repository's name and its Dockerfile
    /// at the top; of several images, each has a folder of its name, with a version file.
    pub images: Vec<Made>,
}

/// An image of the demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its name.
    pub name: String,
    /// The images that it is built from, the first in its `FROM`.
    pub parents: Vec<String>,
}

impl DemoRepository {
    /// A repository with one image.
    pub fn new(name: &str, parents: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            images: vec![Made::new(name, parents)],
        }
    }

    /// Whether it builds several images.
    pub fn is_many(&self) -> bool {
        self.images.len() > 1
    }

    /// A file of an image: at the top, or in the image's folder.
    pub fn path(&self, image: &Made, file: &str) -> String {
        match self.is_many() {
            true => format!("{}/{file}", image.name),
            false => file.to_owned(),
        }
    }
}

impl Made {
    fn new(name: &str, parents: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            parents: parents.iter().map(|parent| (*parent).to_owned()).collect(),
        }
    }
}

/// A chain of so many generations: base → ruby → app, and further ones after app.
pub fn chain(generations: usize) -> Vec<DemoRepository> {
    let name = |number: usize| match number {
        0 => "base".to_owned(),
        1 => "ruby".to_owned(),
        2 => "app".to_owned(),
        _ => format!("app{}", number - 1),
    };
    let members = (0..generations).map(|number| {
        let parent = number.checked_sub(1).map(name);
        let parents: Vec<&str> = parent.iter().map(String::as_str).collect();
        DemoRepository::new(&name(number), &parents)
    });
    members.collect()
}

/// base → ruby, node → app.
pub fn diamond() -> Vec<DemoRepository> {
    vec![
        DemoRepository::new("base", &[]),
        DemoRepository::new("ruby", &["base"]),
        DemoRepository::new("node", &["base"]),
        DemoRepository::new("app", &["ruby", "node"]),
    ]
}

/// base, and one repository with ruby → app and tool.
pub fn monorepo() -> Vec<DemoRepository> {
    let images = [
        Made::new("ruby", &["base"]),
        Made::new("tool", &["base"]),
        Made::new("app", &["ruby", "tool"]),
    ];
    vec![
        DemoRepository::new("base", &[]),
        DemoRepository {
            name: "images".to_owned(),
            images: images.to_vec(),
        },
    ]
}

/// The descendants of these images, except those that are reached only through a repository that is left out.
pub fn below(members: &[DemoRepository], from: &[&str], without: Option<&str>) -> BTreeSet<String> {
    let mut below: BTreeSet<String> = BTreeSet::new();
    // Parents are listed before their children.
    for member in members.iter().filter(|m| Some(m.name.as_str()) != without) {
        for image in &member.images {
            let on = |parent: &String| below.contains(parent) || from.contains(&parent.as_str());
            if image.parents.iter().any(on) {
                below.insert(image.name.clone());
            }
        }
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_on_what() {
        let names = |set: BTreeSet<String>| set.into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(names(below(&chain(4), &["base"], None)), "app app2 ruby");
        assert_eq!(
            names(below(&diamond(), &["base"], Some("ruby"))),
            "app node"
        );
        assert_eq!(names(below(&diamond(), &["ruby"], None)), "app");
        assert_eq!(names(below(&monorepo(), &["base"], None)), "app ruby tool");
    }
}
