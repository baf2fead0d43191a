//! The graph: images as nodes, and edges from parents to children.

use super::claim::{Claims, Strength};
use super::finding::{Finding, What};
use super::graph_algorithms::Adjacency;
use super::member::{Member, On};
use super::publishes::Publishes;
use super::spec::ImageSpec;
use crate::image::ImageName;
use crate::repo::RepoPath;
use crate::source::RefId;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

/// An image, or a repository without known images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The image's name; `None` if it is not known what the repository builds, or if only its CI uses the references.
    pub image: Option<ImageName>,
    /// The repository that publishes it, as an index; `None` for an external image.
    pub repo: Option<usize>,
    /// The index of its `[[image]]` in the repository.
    pub spec: Option<usize>,
    /// The strength of the claim by which its repository publishes it.
    pub strength: Option<Strength>,
    /// The length of the longest path that leads to it; 0 for an image without parents.
    pub generation: u32,
}

/// A dependency of a child on a parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The parent, as an index into the nodes.
    pub parent: usize,
    /// The child, as an index into the nodes.
    pub child: usize,
    /// The file that declares the dependency.
    pub path: RepoPath,
    /// The line, counted from 1.
    pub line: usize,
    /// The reference that declares it; `None` for a `[[depends]]` or a line of `.gitlab-deps`.
    pub reference: Option<RefId>,
    /// Whether it is part of a cycle: updates are not passed on along it.
    pub on_cycle: bool,
}

/// Which repository builds each image, and which images it is built on.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    /// Declarations that have no effect.
    pub findings: Vec<Finding>,
    /// The cycles, each as its nodes, starting with the smallest.
    pub cycles: Vec<Vec<usize>>,
    by_image: HashMap<ImageName, usize>,
    by_repo: Vec<Vec<usize>>,
    /// For each repository, the nodes that each reference makes children.
    by_reference: Vec<HashMap<RefId, BTreeSet<usize>>>,
    down: Adjacency,
    up: Adjacency,
}

impl Graph {
    /// Builds the graph of all registered repositories.
    pub fn new(members: &[Member], publishes: &[Publishes]) -> Self {
        let claims = Claims::new(members, publishes);
        let mut graph = Self {
            by_repo: vec![Vec::new(); members.len()],
            ..Self::default()
        };
        graph.images(members, &claims);
        graph.findings = claims.findings;
        for (repo, member) in members.iter().enumerate() {
            graph.stands(repo, member);
        }
        graph.depends(members);
        for (repo, found) in graph.by_repo.iter_mut().enumerate() {
            // A repository gets a node even if it names nothing and publishes nothing.
            if found.is_empty() {
                found.push(graph.nodes.len());
                graph.nodes.push(Node::repo(repo));
            }
        }
        graph.edges.sort_by(|a, b| {
            let key = |edge: &Edge| (edge.parent, edge.child);
            let place = |edge: &'_ Edge| (edge.line, edge.reference.as_ref().map(|id| id.ordinal));
            (key(a), &a.path, place(a)).cmp(&(key(b), &b.path, place(b)))
        });
        graph.edges.dedup();
        graph.by_reference = vec![HashMap::new(); members.len()];
        for edge in &graph.edges {
            let repo = graph.nodes[edge.child].repo;
            if let (Some(repo), Some(reference)) = (repo, &edge.reference) {
                let here = graph.by_reference[repo].entry(reference.clone());
                here.or_default().insert(edge.child);
            }
        }
        graph.find_order();
        graph
    }

    /// Adds a node for each image with a publisher; all names of one `[[image]]` share a node.
    fn images(&mut self, members: &[Member], claims: &Claims) {
        for (image, repo) in claims.published() {
            let specs = members[repo].images.iter();
            let spec = specs
                .enumerate()
                .find(|(_, spec)| spec.names().any(|name| name == image));
            let same = spec.and_then(|(index, _)| {
                let of_repo = self.by_repo[repo].iter();
                of_repo
                    .copied()
                    .find(|node| self.nodes[*node].spec == Some(index))
            });
            let node = same.unwrap_or(self.nodes.len());
            if same.is_none() {
                let name = match spec {
                    // The first of its names that the repository actually publishes.
                    Some((_, spec)) => spec.names().find(|name| {
                        claims
                            .publisher(name)
                            .is_some_and(|(winner, _)| winner == repo)
                    }),
                    None => None,
                };
                self.by_repo[repo].push(node);
                self.nodes.push(Node {
                    image: Some(name.unwrap_or(image).clone()),
                    repo: Some(repo),
                    spec: spec.map(|(index, _)| index),
                    strength: claims.publisher(image).map(|(_, strength)| strength),
                    generation: 0,
                });
            }
            self.by_image.insert(image.clone(), node);
        }
    }

    /// The node of an image; adds an external one if the image has no publisher.
    fn parent(&mut self, image: &ImageName) -> usize {
        if let Some(node) = self.by_image.get(image) {
            return *node;
        }
        let node = self.nodes.len();
        self.nodes.push(Node {
            image: Some(image.clone()),
            repo: None,
            spec: None,
            strength: None,
            generation: 0,
        });
        self.by_image.insert(image.clone(), node);
        node
    }

    /// The node of a repository for references that belong to none of its images.
    fn rest_of(&mut self, repo: usize) -> usize {
        let known = self.by_repo[repo].iter();
        let rest = known
            .copied()
            .find(|node| self.nodes[*node].image.is_none());
        rest.unwrap_or_else(|| {
            let node = self.nodes.len();
            self.nodes.push(Node::repo(repo));
            self.by_repo[repo].push(node);
            node
        })
    }

    /// Adds the edges from the images that a repository's files name.
    fn stands(&mut self, repo: usize, member: &Member) {
        let reach = self.reach_of(repo, member);
        for stand in &member.stands_on {
            let fits = |(spec, lines): &(usize, Vec<Range<usize>>)| {
                let here = member.images[*spec].dockerfile == stand.id.path;
                let built = lines.iter().any(|range| range.contains(&stand.line));
                (here && built).then_some(*spec)
            };
            let told_here =
                |spec: &usize| member.images[*spec].is_told_at(&stand.id.path, stand.line);
            let specs: BTreeSet<usize> = (0..member.images.len())
                .filter(told_here)
                .chain(reach.iter().filter_map(fits))
                .collect();
            let inner = self.by_image.get(&stand.image).copied();
            let inner = inner.filter(|node| self.nodes[*node].repo == Some(repo));
            let children: Vec<usize> = if !specs.is_empty() {
                let of_repo = self.by_repo[repo].iter().copied();
                of_repo
                    .filter(|node| self.nodes[*node].spec.is_some_and(|s| specs.contains(&s)))
                    .collect()
            } else if !member.images.is_empty() {
                vec![self.rest_of(repo)]
            } else if inner.is_some() {
                // It is not known which of the repository's images is built on which, and a guessed edge could close a
                // false cycle.
                continue;
            } else {
                match self.by_repo[repo].clone() {
                    none if none.is_empty() => vec![self.rest_of(repo)],
                    some => some,
                }
            };
            let children = match children.is_empty() {
                // Other repositories have stronger claims to all its images.
                true => vec![self.rest_of(repo)],
                false => children,
            };
            let parent = self.parent(&stand.image);
            self.edges.extend(children.into_iter().map(|child| Edge {
                parent,
                child,
                path: stand.id.path.clone(),
                line: stand.line,
                reference: Some(stand.id.clone()),
                on_cycle: false,
            }));
        }
    }

    /// The line ranges that each `[[image]]` of a repository is built from.
    fn reach_of(&mut self, repo: usize, member: &Member) -> Vec<(usize, Vec<Range<usize>>)> {
        let mut reach = Vec::new();
        for (index, spec) in member.images.iter().enumerate() {
            let image = spec.name.canonical();
            let Some(stages) = member.stages.get(&spec.dockerfile) else {
                let path = spec.dockerfile.to_string();
                self.find(repo, spec, What::NoDockerfile { image, path });
                continue;
            };
            if let Some(stage) = spec.target.as_ref().filter(|stage| !stages.has(stage)) {
                let stage = stage.clone();
                self.find(repo, spec, What::NoStage { image, stage });
                continue;
            }
            reach.push((index, stages.lines_of(spec.target.as_deref())));
        }
        reach
    }

    fn find(&mut self, repo: usize, spec: &ImageSpec, what: What) {
        self.findings.push(Finding {
            repo,
            place: Arc::clone(&spec.place),
            what,
        });
    }

    /// Adds the edges from declared dependencies.
    fn depends(&mut self, members: &[Member]) {
        let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (repo, member) in members.iter().enumerate() {
            by_name.entry(member.name.as_str()).or_default().push(repo);
        }
        for (repo, member) in members.iter().enumerate() {
            for depends in &member.depends {
                let place = Arc::from(format!("{}:{}", depends.path, depends.line));
                let (parents, on) = match &depends.on {
                    On::Repo { name, .. } => {
                        let found = by_name.get(name.as_str()).and_then(|all| all.first());
                        let nodes = found.map(|parent| self.any_of(*parent));
                        (nodes.unwrap_or_default(), name.to_string())
                    }
                    On::Image(image) => (vec![self.parent(image)], image.canonical()),
                };
                if parents.is_empty() {
                    let what = What::DependsOnNothing { on };
                    self.findings.push(Finding { repo, place, what });
                    continue;
                }
                for child in self.any_of(repo) {
                    self.edges.extend(parents.iter().map(|parent| Edge {
                        parent: *parent,
                        child,
                        path: depends.path.clone(),
                        line: depends.line,
                        reference: None,
                        on_cycle: false,
                    }));
                }
            }
        }
    }

    /// All nodes of a repository; adds one without an image if there is none yet.
    fn any_of(&mut self, repo: usize) -> Vec<usize> {
        match self.by_repo[repo].is_empty() {
            true => vec![self.rest_of(repo)],
            false => self.by_repo[repo].clone(),
        }
    }

    fn find_order(&mut self) {
        let nodes = self.nodes.len();
        let pairs = |edge: &Edge| (edge.parent, edge.child);
        self.down = Adjacency::new(nodes, self.edges.iter().map(pairs));
        self.up = Adjacency::new(nodes, self.edges.iter().map(|e| (e.child, e.parent)));
        let components = self.down.components();
        for (node, depth) in self.nodes.iter_mut().zip(self.down.depths(&components)) {
            node.generation = depth;
        }
        let mut cyclic: BTreeMap<usize, usize> = BTreeMap::new();
        for edge in &mut self.edges {
            edge.on_cycle = components[edge.parent] == components[edge.child];
            if edge.on_cycle {
                let first = cyclic.entry(components[edge.parent]).or_insert(edge.parent);
                *first = (*first).min(edge.parent).min(edge.child);
            }
        }
        let mut cycles: Vec<Vec<usize>> = cyclic
            .values()
            .map(|first| self.down.circle(*first))
            .collect();
        cycles.sort();
        self.cycles = cycles;
    }

    /// All nodes, in the order of their indices.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// All edges, sorted by parent and child.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// The node of an image.
    pub fn node_of(&self, image: &ImageName) -> Option<usize> {
        self.by_image.get(image).copied()
    }

    /// The nodes of a repository.
    pub fn nodes_of(&self, repo: usize) -> &[usize] {
        self.by_repo.get(repo).map_or(&[], Vec::as_slice)
    }

    /// The repository that publishes an image.
    pub fn publisher(&self, image: &ImageName) -> Option<usize> {
        self.nodes[self.node_of(image)?].repo
    }

    /// A node's children.
    pub fn children(&self, node: usize) -> &[usize] {
        self.down.of(node)
    }

    /// A node's parents.
    pub fn parents(&self, node: usize) -> &[usize] {
        self.up.of(node)
    }

    /// All nodes that depend on a node, the nearest first.
    pub fn descendants(&self, node: usize) -> Vec<usize> {
        self.down.reach(node)
    }

    /// All nodes that a node depends on, the nearest first.
    pub fn ancestors(&self, node: usize) -> Vec<usize> {
        self.up.reach(node)
    }

    /// The nodes of one repository that are built from a reference's image.
    pub fn children_at(&self, repo: usize, reference: &RefId) -> &BTreeSet<usize> {
        static NONE: BTreeSet<usize> = BTreeSet::new();
        let of_repo = self.by_reference.get(repo);
        of_repo
            .and_then(|of_repo| of_repo.get(reference))
            .unwrap_or(&NONE)
    }

    /// The edges from a node's parents to it.
    pub fn edges_to(&self, node: usize) -> impl Iterator<Item = &Edge> {
        let parents: BTreeSet<usize> = self.parents(node).iter().copied().collect();
        parents.into_iter().flat_map(move |parent| {
            let key = (parent, node);
            let from = self.edges.partition_point(|e| (e.parent, e.child) < key);
            let edges = self.edges[from..].iter();
            edges.take_while(move |edge| (edge.parent, edge.child) == key)
        })
    }

    /// A node's display name: its image, else its repository.
    pub fn name_of(&self, node: usize, members: &[Member]) -> String {
        let Node { image, repo, .. } = &self.nodes[node];
        let repo = || repo.map(|repo| members[repo].name.to_string());
        let image = image.as_ref().map(ImageName::canonical);
        image.or_else(repo).unwrap_or_default()
    }
}

impl Node {
    fn repo(repo: usize) -> Self {
        Self {
            image: None,
            repo: Some(repo),
            spec: None,
            strength: None,
            generation: 0,
        }
    }
}
