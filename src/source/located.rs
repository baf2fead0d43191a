//! An image reference and its position in a file.

use super::found::Told;
use super::mapped::Mapped;
use crate::coded::coded;
use crate::image::Reference;
use crate::repo::RepoPath;
use std::ops::Range;

coded! {
    /// Where in the file's syntax a reference is.
    pub enum ReferenceKind {
        /// `FROM image`.
        From = "from";
        /// `COPY --from=image`.
        CopyFrom = "copy-from";
        /// `RUN --mount=from=image`.
        MountFrom = "mount-from";
        /// `# syntax=image`.
        Syntax = "syntax";
        /// Any of these after `ONBUILD`.
        OnbuildFrom = "onbuild-from";
        /// The base of an image in gipgee.yml.
        GipgeeBase = "gipgee-base";
        /// The image of a service in a compose file.
        ComposeImage = "compose-image";
        /// A volume of type `image` in a compose file.
        ComposeVolume = "compose-volume";
        /// A named context in a compose file: `docker-image://image`.
        ComposeContext = "compose-context";
        /// A named context in a bake file: `docker-image://image`.
        BakeContext = "bake-context";
        /// A container's image in a Kubernetes manifest.
        K8sImage = "k8s-image";
        /// A volume of type `image` in a Kubernetes manifest.
        K8sVolume = "k8s-volume";
        /// An entry of `images` in a kustomization.
        KustomizeImage = "kustomize-image";
        /// An image in the values of a Helm chart.
        HelmImage = "helm-image";
        /// `image` in a definition of GitLab CI.
        GitlabImage = "gitlab-image";
        /// `services` in a definition of GitLab CI.
        GitlabService = "gitlab-service";
        /// A job's container in a workflow.
        WorkflowContainer = "workflow-container";
        /// A service container in a workflow.
        WorkflowService = "workflow-service";
        /// `uses: docker://image` in a workflow or an action.
        WorkflowUses = "workflow-uses";
        /// The image of an action.
        ActionImage = "action-image";
        /// `image` in a devcontainer.json.
        DevcontainerImage = "devcontainer-image";
        /// A feature in a devcontainer.json.
        DevcontainerFeature = "devcontainer-feature";
        /// `Image=` in a Quadlet file.
        QuadletImage = "quadlet-image";
        /// The image of a step or service of Woodpecker, Crow, Drone or Vela.
        WoodpeckerImage = "woodpecker-image";
        /// An image in a configuration of CircleCI.
        CircleciImage = "circleci-image";
        /// A container in a definition of Azure Pipelines.
        AzureImage = "azure-image";
        /// `image` in a definition of Bitbucket Pipelines.
        BitbucketImage = "bitbucket-image";
        /// `pipe: docker://image` in a definition of Bitbucket Pipelines.
        BitbucketPipe = "bitbucket-pipe";
        /// The image of a step or sidecar of Tekton.
        TektonImage = "tekton-image";
        /// A bundle of Tekton.
        TektonBundle = "tekton-bundle";
        /// An image in a template of Argo Workflows.
        ArgoImage = "argo-image";
        /// A value below an `# imagebot: image=` comment.
        Annotated = "annotated";
        /// A value that a `[[source]]` of imagebot.toml names.
        Source = "source";
    }
}

impl ReferenceKind {
    /// Whether a comment or a `[[source]]` describes it.
    pub fn is_custom(self) -> bool {
        matches!(self, Self::Annotated | Self::Source)
    }

    /// Whether a build takes the image in. An image that is only run is not a parent of the images that the repository
    /// builds.
    pub fn is_build_input(self) -> bool {
        matches!(
            self,
            Self::From
                | Self::CopyFrom
                | Self::MountFrom
                | Self::Syntax
                | Self::OnbuildFrom
                | Self::GipgeeBase
                | Self::ComposeContext
                | Self::BakeContext
                | Self::Annotated
                | Self::Source
        )
    }
}

coded! {
    /// Why a reference cannot be edited.
    pub enum WhyNot {
        /// A variable in it has no known value: undeclared, without default, or set by the builder.
        UnresolvedArg = "unresolved-arg", "a variable in it has no known value; give it a default, or set it under [args] to what CI passes";
        /// `COPY --from` and `--mount from=` do not expand variables.
        VariableNotExpanded = "variable-not-expanded", "the build does not expand variables here; give the image its own stage and name that stage";
        /// Its text is computed from a variable (`${V#…}`, `${V/…/…}`): known, but not written back.
        ComputedValue = "computed-value", "its text is computed from a variable and cannot be edited";
        /// The result is not an image reference.
        InvalidReference = "invalid-reference", "it is not an image reference";
        /// The configuration's `[args]` set its tag or digest, so that an edit would have no effect.
        SetByArgs = "set-by-args", "CI passes it ([args]), so an edit of the file would have no effect";
        /// gipgee passes it, from `gipgee.yml`.
        PassedByGipgee = "passed-by-gipgee", "gipgee passes it from gipgee.yml, where it is updated";
        /// A template engine fills it in.
        Template = "template", "a template engine fills it in";
        /// A named context of the build replaces it.
        ReplacedByContext = "replaced-by-context", "a named context of the build replaces it, so an edit would end the replacement";
        /// An expression with a function or an operator computes it.
        Expression = "expression", "an expression computes it, and expressions are not evaluated";
        /// A tag that its readers take for a number, and print differently.
        UnquotedNumber = "unquoted-number", "YAML reads this tag as a number and loses digits of it; put it in quotes";
        /// An `# imagebot: image=` comment above a line that it does not fit.
        BadNote = "bad-note", "the comment above needs `name = value` below it, with a tag, a digest, or a reference to the image that it names";
        /// An image of the local machine and not of a registry.
        LocalTransport = "local-transport", "its image is on the machine and not in a registry";
        /// Only its name is here.
        Partial = "partial", "only its name is here; another file gives its tag";
        /// YAML that an edit could not change on its own: an alias, an anchor, escapes or several lines.
        NotPlain = "not-plain", "it is written with an alias, an anchor, an escape or a duplicate key, or over several lines";
    }
}

/// An `# imagebot:` comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its line, counted from 1.
    pub line: usize,
    /// Its text after the colon.
    pub text: String,
    /// The file that it is in; `None`: that of the reference.
    pub file: Option<RepoPath>,
}

impl Comment {
    /// A comment in the file of its reference.
    pub fn new(line: usize, text: String) -> Self {
        let file = None;
        Self { line, text, file }
    }
}

/// The identity of a reference in a repository. A line does not identify it: one instruction can have several
/// references.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefId {
    /// The file.
    pub path: RepoPath,
    /// Which of the file's references it is, counted from 0 in the order of the file.
    pub ordinal: usize,
}

/// A reference and where it is in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// Which of the file's references it is, counted from 0.
    pub ordinal: usize,
    /// The first line of its instruction, counted from 1.
    pub line: usize,
    /// Where in the file's syntax it is.
    pub kind: ReferenceKind,
    /// The stage that its `FROM` names with `AS`, in lower case.
    pub stage: Option<String>,
    /// The value of its `--platform` flag, quotes removed, variables not expanded.
    pub platform: Option<String>,
    /// Its text in the file, variables not expanded.
    pub written: String,
    /// Its range in the file, in bytes.
    pub(crate) written_at: Range<usize>,
    /// The `# imagebot:` comments right above the instruction.
    pub notes: Vec<Comment>,
    /// Remarks about its line.
    pub told: Vec<Told>,
    /// Whether an edit of it is an edit of a definition of CI (T18).
    pub in_ci: bool,
    /// Its text with variables expanded.
    pub found: Resolution,
}

/// What a `FROM` contains besides its reference, variables expanded: the stage that it is based on, or its platform.
///
/// It is not a reference, but an edit of a variable would change it as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Around {
    /// The first line of its instruction, counted from 1.
    pub(crate) line: usize,
    /// Its text in the file.
    pub(crate) written: String,
    /// Its text with variables expanded; unknown variables are left out.
    pub(crate) text: String,
}

/// The meaning of a reference's text once its variables are expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// The reference is known.
    Known(KnownReference),
    /// The reference is not known.
    Unknown {
        /// The reason.
        why: WhyNot,
        /// The positions in the file that take part in it; an edit there would change it without being noticed.
        touches: Vec<Range<usize>>,
    },
}

/// A known reference and the positions of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownReference {
    /// The reference, variables expanded.
    pub reference: Reference,
    /// Why it cannot be edited; `None` if it can.
    pub why_not: Option<WhyNot>,
    /// Whether a part of its tag comes from an `ARG`'s default.
    pub tag_from_arg: bool,
    pub(crate) value: Mapped,
    pub(crate) slot: Option<usize>,
    /// The position of an empty field for a digest, which has no `@`.
    pub(crate) digest_slot: Option<u32>,
    /// Whether the tag is not a text for YAML: a number as a rule.
    pub(crate) is_number: bool,
    /// The same text given by other places, which change with it: several builds set one variable.
    pub(crate) also: Vec<(Mapped, Option<usize>)>,
}

impl Located {
    /// Its identity, given its file.
    pub fn id(&self, path: &RepoPath) -> RefId {
        RefId {
            path: path.clone(),
            ordinal: self.ordinal,
        }
    }

    /// The reference, if it is known.
    pub fn reference(&self) -> Option<&Reference> {
        match &self.found {
            Resolution::Known(known) => Some(&known.reference),
            Resolution::Unknown { .. } => None,
        }
    }

    /// The image's name with variables expanded, or the whole text as written if the name is unknown.
    pub fn image(&self) -> &str {
        self.reference()
            .map_or(&self.written, |reference| reference.name.written())
    }

    /// Whether a part of its tag or digest has the same position in the file as a part of the other's: an `ARG`'s
    /// default that both use.
    pub fn shares_place(&self, other: &Self) -> bool {
        let (Resolution::Known(one), Resolution::Known(two)) = (&self.found, &other.found) else {
            return false;
        };
        one.versioned_places().iter().any(|a| {
            two.versioned_places()
                .iter()
                .any(|b| a.start < b.end && b.start < a.end)
        })
    }

    /// Notes why it cannot be edited, if it is known.
    pub(crate) fn fix(&mut self, why: WhyNot) {
        if let Resolution::Known(known) = &mut self.found {
            known.why_not = Some(why);
        }
    }

    /// Whether a part of its tag or digest comes from one of these places.
    pub(crate) fn is_set_by(&self, places: &[Range<usize>]) -> bool {
        let Resolution::Known(known) = &self.found else {
            return false;
        };
        let own = known.versioned_places();
        let meets = |a: &Range<usize>, b: &Range<usize>| a.start < b.end && b.start < a.end;
        places
            .iter()
            .any(|place| own.iter().any(|own| meets(own, place)))
    }

    /// Whether its tag is a number for YAML: plain digits, with a dot at most.
    pub(crate) fn is_number(&self) -> bool {
        match &self.found {
            Resolution::Known(known) => known.is_number,
            Resolution::Unknown { why, .. } => *why == WhyNot::UnquotedNumber,
        }
    }

    /// Why it cannot be edited; `None` if it can.
    pub fn why_not(&self) -> Option<WhyNot> {
        match &self.found {
            Resolution::Known(known) => known.why_not,
            Resolution::Unknown { why, .. } => Some(*why),
        }
    }
}

impl KnownReference {
    /// The positions in the file of tag and digest, including the `:` and `@` before them.
    pub(crate) fn versioned_places(&self) -> Vec<Range<usize>> {
        let name = self.reference.name.written().len();
        let values = std::iter::once(&self.value).chain(self.also.iter().map(|(value, _)| value));
        let places = values.flat_map(|value| value.places(name..value.len()));
        places.collect()
    }
}

/// From the first to the last byte of a word in the file.
pub(crate) fn extent(written: &Mapped) -> Range<usize> {
    let start = written.place_of(0).unwrap_or_default();
    start..written.place_behind(written.len()).unwrap_or(start)
}
