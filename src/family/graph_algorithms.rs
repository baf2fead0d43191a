//! Generations and cycles of a graph of node indices.

/// The adjacency lists from parents to children, in one array (compressed sparse row).
#[derive(Debug, Clone, Default)]
pub struct Adjacency {
    /// The start of each node's edges, with the total as an extra last entry.
    starts: Vec<usize>,
    to: Vec<usize>,
}

impl Adjacency {
    /// Builds the lists from edges among `nodes` nodes.
    pub fn new(nodes: usize, arrows: impl Iterator<Item = (usize, usize)> + Clone) -> Self {
        let mut starts = vec![0; nodes + 1];
        for (from, _) in arrows.clone() {
            starts[from + 1] += 1;
        }
        for index in 0..nodes {
            starts[index + 1] += starts[index];
        }
        let mut next = starts.clone();
        let mut to = vec![0; starts[nodes]];
        for (from, target) in arrows {
            to[next[from]] = target;
            next[from] += 1;
        }
        Self { starts, to }
    }

    /// The children of a node.
    pub fn of(&self, node: usize) -> &[usize] {
        &self.to[self.starts[node]..self.starts[node + 1]]
    }

    fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// All nodes reachable from a node, the nearest first. The node itself is included only if it is on a cycle.
    pub fn reach(&self, node: usize) -> Vec<usize> {
        let mut seen = vec![false; self.len()];
        let mut reached: Vec<usize> = Vec::new();
        let mut at = 0;
        let mut from = node;
        loop {
            for next in self.of(from) {
                if !std::mem::replace(&mut seen[*next], true) {
                    reached.push(*next);
                }
            }
            let Some(next) = reached.get(at) else {
                return reached;
            };
            from = *next;
            at += 1;
        }
    }

    /// The strongly connected component of each node. A component has a higher number than all components below it
    /// (Tarjan's algorithm, without recursion).
    pub fn components(&self) -> Vec<usize> {
        const NONE: usize = usize::MAX;
        let nodes = self.len();
        let (mut index, mut low, mut component) =
            (vec![NONE; nodes], vec![0; nodes], vec![NONE; nodes]);
        let (mut visited, mut found) = (0, 0);
        let mut open: Vec<usize> = Vec::new();
        let mut path: Vec<(usize, usize)> = Vec::new();
        for root in 0..nodes {
            if index[root] != NONE {
                continue;
            }
            path.push((root, 0));
            while let Some((node, arrow)) = path.pop() {
                if arrow == 0 {
                    index[node] = visited;
                    low[node] = visited;
                    visited += 1;
                    open.push(node);
                }
                if let Some(next) = self.of(node).get(arrow).copied() {
                    path.push((node, arrow + 1));
                    if index[next] == NONE {
                        path.push((next, 0));
                    } else if component[next] == NONE {
                        low[node] = low[node].min(index[next]);
                    }
                    continue;
                }
                if low[node] == index[node] {
                    while let Some(member) = open.pop() {
                        component[member] = found;
                        if member == node {
                            break;
                        }
                    }
                    found += 1;
                }
                if let Some((parent, _)) = path.last() {
                    low[*parent] = low[*parent].min(low[node]);
                }
            }
        }
        component
    }

    /// The length of the longest path that ends at each node, ignoring edges within a component.
    pub fn depths(&self, component: &[usize]) -> Vec<u32> {
        let count = component.iter().max().map_or(0, |most| most + 1);
        let mut nodes_of: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (node, component) in component.iter().enumerate() {
            nodes_of[*component].push(node);
        }
        let mut depth_of = vec![0; count];
        // Parents have higher component numbers than their children, so a parent's depth is final before its
        // children's.
        for number in (0..count).rev() {
            for node in &nodes_of[number] {
                for next in self.of(*node) {
                    let below = component[*next];
                    if below != number {
                        depth_of[below] = depth_of[below].max(depth_of[number] + 1);
                    }
                }
            }
        }
        component.iter().map(|number| depth_of[*number]).collect()
    }

    /// A cycle through a node, as its nodes starting with that node; empty if there is none.
    pub fn circle(&self, node: usize) -> Vec<usize> {
        let mut before: Vec<Option<usize>> = vec![None; self.len()];
        let mut queue = std::collections::VecDeque::from([node]);
        while let Some(at) = queue.pop_front() {
            for next in self.of(at) {
                if *next == node {
                    let mut circle = vec![at];
                    while let Some(earlier) = circle.last().and_then(|last| before[*last]) {
                        circle.push(earlier);
                    }
                    circle.reverse();
                    return circle;
                }
                if before[*next].is_none() {
                    before[*next] = Some(at);
                    queue.push_back(*next);
                }
            }
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(nodes: usize, arrows: &[(usize, usize)], depths: &[u32], circles: &[&[usize]]) {
        let packed = Adjacency::new(nodes, arrows.iter().copied());
        let components = packed.components();
        assert_eq!(packed.depths(&components), depths, "{arrows:?}");
        let mut seen = std::collections::BTreeSet::new();
        let found: Vec<Vec<usize>> = (0..nodes)
            .map(|node| (node, packed.circle(node)))
            .filter(|(node, circle)| !circle.is_empty() && seen.insert(components[*node]))
            .map(|(_, circle)| circle)
            .collect();
        assert_eq!(found, circles, "{arrows:?}");
    }

    #[test]
    fn generations_and_circles() {
        check(3, &[(0, 1), (1, 2)], &[0, 1, 2], &[]);
        check(4, &[(0, 1), (0, 2), (1, 3), (2, 3)], &[0, 1, 1, 2], &[]);
        check(4, &[(0, 3), (0, 1), (1, 2), (2, 3)], &[0, 1, 2, 3], &[]);
        check(2, &[(0, 1), (1, 0)], &[0, 0], &[&[0, 1]]);
        check(1, &[(0, 0)], &[0], &[&[0]]);
        check(
            5,
            &[(0, 1), (1, 2), (2, 1), (2, 3), (3, 4)],
            &[0, 1, 1, 2, 3],
            &[&[1, 2]],
        );
        assert_eq!(
            Adjacency::new(3, [(0, 1), (1, 2)].into_iter()).reach(0),
            [1, 2]
        );
    }
}
