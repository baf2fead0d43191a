//! The words with a meaning in tags. To add one, add it to its list here.
//!
//! A word of [`NAMES`] keeps the number after it (`alpine3.18`, `debian-11`): both belong to the variant. Everything
//! that is in no list is a variant word as it is.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Where a word may occur: after the core without a separator, or after a separator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Attached,
    Separated,
    Anywhere,
}

impl Place {
    /// Whether the word may occur after `separator`.
    pub(super) fn fits(self, separator: Option<u8>) -> bool {
        match self {
            Self::Attached => separator.is_none(),
            Self::Separated => separator.is_some(),
            Self::Anywhere => true,
        }
    }
}

/// The meaning of a word in a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A prerelease stage of this rank; some are one only with a number.
    Stage {
        rank: u8,
        numbered: bool,
        place: Place,
    },
    /// A build counter, which may go without a number, or takes it from the next segment.
    Counter {
        kind: &'static str,
        optional: bool,
        next: bool,
        place: Place,
    },
    /// An operating system, runtime, libc, accelerator or CPU: it takes the number after it.
    Name,
}

/// Stages, lowest first; the words of a row are equal. Those of [`NUMBERED`] need a number.
const STAGES: [&[&str]; 7] = [
    &["dev", "test"],
    &[
        "snapshot", "nightly", "canary", "edge", "unstable", "next", "ea",
    ],
    &["a", "alpha"],
    &["b", "beta"],
    &["m", "milestone"],
    &["pre", "preview"],
    &["c", "rc", "cr"],
];

/// The rank of `pre` and `preview`.
pub(super) const PREVIEW: u8 = 5;

/// Without a number these are variants: `3.12-dev` is Chainguard's image with a shell.
const NUMBERED: [&str; 4] = ["dev", "test", "next", "edge"];

/// Build counters with a number of their own: `-r4`, `p12`, `-ls9`.
const COUNTERS: [(&str, Place); 13] = [
    ("r", Place::Separated),
    ("p", Place::Anywhere),
    ("u", Place::Attached),
    ("v", Place::Separated),
    ("ls", Place::Anywhere),
    ("k3s", Place::Anywhere),
    ("rke2r", Place::Anywhere),
    ("rancher", Place::Anywhere),
    ("sp", Place::Anywhere),
    ("cu", Place::Anywhere),
    ("hf", Place::Anywhere),
    ("fp", Place::Anywhere),
    ("kb", Place::Separated),
];

/// Build counters whose number may be missing.
const OPTIONAL_COUNTERS: [(&str, Place); 4] = [
    ("build", Place::Separated),
    ("post", Place::Anywhere),
    ("rev", Place::Anywhere),
    ("gdr", Place::Separated),
];

/// The kind of `security-01`, which counts above the plain tag.
pub(super) const SECURITY: &str = "security";
/// The kind of `b45`: for some projects a beta, so it does not count as stable unless the user says so.
pub(super) const B: &str = "b";
/// The kind of `build45`, for the same reason.
pub(super) const BUILD: &str = "build";
/// The kind of the second number in Ubuntu's `2.39-0ubuntu8`.
pub(super) const UBUNTU_REVISION: &str = "ubuntu";
/// The kind of all counters without letters: numbers, dates, Unix times.
pub(super) const PLAIN: &str = "";

/// Words that take the number attached to them, or else the next segment.
const NAMES: [&[&str]; 5] = [
    // Operating systems.
    &[
        "alma",
        "almalinux",
        "alpine",
        "amazonlinux",
        "amzn",
        "al",
        "arch",
        "archlinux",
        "azurelinux",
        "bci",
        "centos",
        "deb",
        "debian",
        "el",
        "fc",
        "fedora",
        "gentoo",
        "leap",
        "ltsc",
        "mariner",
        "nanoserver",
        "nixos",
        "ol",
        "opensuse",
        "oracle",
        "oraclelinux",
        "photon",
        "rhel",
        "rocky",
        "rockylinux",
        "sac",
        "servercore",
        "sle",
        "sles",
        "suse",
        "ubi",
        "ubuntu",
        "void",
        "windows",
        "windowsservercore",
        "win",
        "wolfi",
    ],
    // Runtimes.
    &[
        "bun", "clang", "corretto", "deno", "dotnet", "elixir", "erlang", "gcc", "ghc", "go",
        "golang", "graalvm", "java", "jdk", "jre", "julia", "lua", "luajit", "llvm", "mono",
        "netcore", "node", "nodejs", "openjdk", "openj", "otp", "perl", "php", "py", "pypy",
        "python", "ruby", "rust", "scala", "swift", "temurin", "zulu",
    ],
    // C libraries.
    &["glibc", "musl", "musllinux", "manylinux", "uclibc"],
    // Accelerators.
    &[
        "cann", "cublas", "cuda", "cudnn", "gfx", "hip", "nccl", "oneapi", "opencl", "rocm", "sm",
        "tensorrt", "tpu", "trt", "vulkan", "xpu",
    ],
    // CPUs without a number in the name; the others are in `CPUS`.
    &["arm", "armhf", "armel", "mips", "mipsel", "ppc", "sparc"],
];

/// CPU names: no version in a tag begins inside one.
const CPUS: [&str; 40] = [
    "x86_64",
    "x86-64",
    "x86",
    "x64",
    "amd64",
    "i386",
    "i486",
    "i586",
    "i686",
    "aarch64_be",
    "aarch64",
    "aarch32",
    "arm64e",
    "arm64",
    "arm32",
    "armv5te",
    "armv5",
    "armv6hf",
    "armv6l",
    "armv6",
    "armv7hf",
    "armv7a",
    "armv7l",
    "armv7",
    "armv8a",
    "armv8l",
    "armv8",
    "armhf",
    "armel",
    "arm",
    "s390x",
    "s390",
    "ppc64le",
    "ppc64el",
    "ppc64",
    "riscv64",
    "riscv32",
    "mips64le",
    "mips64el",
    "mips64",
];

/// CPU names that are rarer still.
const MORE_CPUS: [&str; 6] = [
    "loong64",
    "loongarch64",
    "ia64",
    "sparc64",
    "mipsle",
    "wasm32",
];

/// The longest word of any list.
const LONGEST: usize = 20;

static MEANINGS: LazyLock<HashMap<&'static str, Meaning>> = LazyLock::new(|| {
    let mut meanings = HashMap::new();
    for word in NAMES.into_iter().flatten() {
        meanings.insert(*word, Meaning::Name);
    }
    for (rank, words) in (0..).zip(STAGES) {
        for word in words {
            let stage = Meaning::Stage {
                rank,
                numbered: NUMBERED.contains(word),
                place: if *word == B {
                    Place::Attached
                } else {
                    Place::Anywhere
                },
            };
            meanings.insert(word, stage);
        }
    }
    let plain = COUNTERS.into_iter().map(|counter| (counter, false, false));
    let optional = OPTIONAL_COUNTERS
        .into_iter()
        .map(|counter| (counter, true, true));
    let security = [((SECURITY, Place::Anywhere), false, true)];
    for ((kind, place), optional, next) in plain.chain(optional).chain(security) {
        let counter = Meaning::Counter {
            kind,
            optional,
            next,
            place,
        };
        meanings.insert(kind, counter);
    }
    meanings
});

/// Looks a word up, in any case.
pub(super) fn meaning(word: &str) -> Option<Meaning> {
    let mut lower = [0; LONGEST];
    let lower = lower.get_mut(..word.len())?;
    for (lower, byte) in lower.iter_mut().zip(word.bytes()) {
        *lower = byte.to_ascii_lowercase();
    }
    MEANINGS.get(std::str::from_utf8(lower).ok()?).copied()
}

/// Whether a word names an operating system, in any case.
pub(super) fn is_system(word: &str) -> bool {
    meaning(word) == Some(Meaning::Name)
        && NAMES[0].iter().any(|name| name.eq_ignore_ascii_case(word))
}

/// Whether the number after a word belongs to the word: `python-3.11`.
pub(super) fn takes_number(word: &str) -> bool {
    meaning(word) == Some(Meaning::Name)
}

/// Whether a word of the variant would be a prerelease with a number: `dev`, `test`, `next`, `edge`.
pub(super) fn needs_number(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphabetic());
    NUMBERED.iter().any(|name| name.eq_ignore_ascii_case(word))
}

/// Words of images that start only on a Windows host of the same build.
const WINDOWS: [&str; 3] = ["nanoserver", "windowsservercore", "servercore"];

/// Words whose number is a build of Windows, if the tag names Windows.
const WINDOWS_BUILDS: [&str; 7] = [
    "nanoserver",
    "windowsservercore",
    "servercore",
    "windows",
    "win",
    "ltsc",
    "sac",
];

/// Whether a text has a word that names Windows: `-sdk-nanoserver-1809`.
pub(super) fn names_windows(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphabetic())
        .any(|word| WINDOWS.iter().any(|name| name.eq_ignore_ascii_case(word)))
}

/// Whether the number of a variant's word is a build of Windows.
pub(super) fn is_windows_build(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphabetic());
    WINDOWS_BUILDS
        .iter()
        .any(|name| name.eq_ignore_ascii_case(word))
}

/// The end of the CPU name that is at `at` and ends a segment.
pub(super) fn cpu_end(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let rest = bytes.get(at..)?;
    // Most segments do not begin like a CPU.
    let [first, second, ..] = rest else {
        return None;
    };
    if !matches!(
        [first.to_ascii_lowercase(), second.to_ascii_lowercase()],
        [b'x', b'8' | b'6']
            | [b'a', b'm' | b'r' | b'a']
            | [b'i', b'3'..=b'6' | b'a']
            | [b's', b'3' | b'p']
            | [b'p', b'p']
            | [b'r', b'i']
            | [b'm', b'i']
            | [b'l', b'o']
            | [b'w', b'a']
    ) {
        return None;
    }
    let ends = |at: usize| bytes.get(at).is_none_or(|byte| is_separator(*byte));
    CPUS.iter().chain(&MORE_CPUS).find_map(|name| {
        let fits = rest
            .get(..name.len())?
            .eq_ignore_ascii_case(name.as_bytes());
        let end = at + name.len();
        let revised = || revision_end(bytes, end, name).filter(|end| ends(*end));
        fits.then(|| revised().or_else(|| ends(end).then_some(end)))?
    })
}

/// The end of a CPU's revision: `v8` in `arm64v8`. A separator before it is allowed only in the usual spellings
/// `arm-v7` and `x86_64_v3`; elsewhere a separated `v` counts builds.
fn revision_end(bytes: &[u8], at: usize, name: &str) -> Option<usize> {
    let separated = is_separator(*bytes.get(at)?);
    let at = at + usize::from(separated);
    let digit = bytes.get(at + 1).filter(|byte| byte.is_ascii_digit())?;
    let written_so = match name {
        "arm" | "arm32" | "arm64" => matches!(digit, b'5'..=b'8'),
        "x86_64" | "x86-64" => matches!(digit, b'1'..=b'4'),
        _ => false,
    };
    let is_revision = matches!(bytes.get(at)?, b'v' | b'V') && (written_so || !separated);
    let letter = bytes.get(at + 2).is_some_and(u8::is_ascii_alphabetic);
    is_revision.then_some(at + 2 + usize::from(letter))
}

/// Whether a byte separates segments.
pub(super) fn is_separator(byte: u8) -> bool {
    matches!(byte, b'-' | b'_' | b'+' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_cpus_to_their_end() {
        for (text, expect) in [
            ("amd64", Some(5)),
            ("x86_64-ubuntu", Some(6)),
            ("X86_64_v3", Some(9)),
            ("arm64v8-4.0", Some(7)),
            ("arm-v7", Some(6)),
            ("arm32v7.1", Some(7)),
            ("arm-v12", Some(3)),
            ("amd64-v2", Some(5)),
            ("amd64v2", Some(7)),
            ("armada", None),
            ("amd640", None),
            ("alpine", None),
            ("386", None),
            ("", None),
        ] {
            assert_eq!(cpu_end(text, 0), expect, "{text}");
        }
    }

    #[test]
    fn every_cpu_is_found() {
        for cpu in CPUS.iter().chain(&MORE_CPUS) {
            assert_eq!(cpu_end(&cpu.to_uppercase(), 0), Some(cpu.len()), "{cpu}");
        }
    }

    #[test]
    fn every_word_fits_the_buffer_and_no_list_hides_another() {
        for word in MEANINGS.keys() {
            assert!(word.len() <= LONGEST, "{word}");
            assert_eq!(meaning(&word.to_uppercase()), meaning(word));
        }
        assert_eq!(
            meaning("edge").map(|m| matches!(m, Meaning::Stage { numbered: true, .. })),
            Some(true)
        );
        assert_eq!(meaning("kubernetes-in-a-very-long-word"), None);
    }
}
