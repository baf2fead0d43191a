//! The releases of some distributions: Ubuntu and Debian, whose tags are often codenames, Fedora, and the images of
//! Windows.

use jiff::civil::{Date, date};

use crate::image::ImageName;

/// A distribution whose releases are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Distribution {
    Ubuntu,
    Debian,
    Fedora,
    /// Windows Server and the like: no codenames, but builds that determine on which host an image starts.
    Windows,
}

/// Where Docker Hub's own images are, including public mirrors.
const LIBRARIES: [(&str, &str); 3] = [
    ("docker.io", "library/"),
    ("public.ecr.aws", "docker/library/"),
    ("mirror.gcr.io", "library/"),
];

/// Images that distributions publish elsewhere.
const OWN: [(&str, &str, Distribution); 4] = [
    ("public.ecr.aws", "ubuntu/ubuntu", Distribution::Ubuntu),
    ("public.ecr.aws", "debian/debian", Distribution::Debian),
    ("registry.fedoraproject.org", "fedora", Distribution::Fedora),
    ("quay.io", "fedora/fedora", Distribution::Fedora),
];

/// One release of a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Release {
    pub(super) codename: &'static str,
    /// Its position in the order of releases.
    pub(super) place: u16,
    /// Year and month of an Ubuntu release, `(24, 4)`.
    number: (u16, u16),
    released: Option<Date>,
}

impl Release {
    /// Whether the release is out on a day.
    pub(super) fn is_out(&self, today: Date) -> bool {
        self.released.is_some_and(|released| released <= today)
    }

    /// Whether this is a long-term release of Ubuntu.
    pub(super) fn is_lts(&self) -> bool {
        is_lts(u64::from(self.number.0), u64::from(self.number.1))
    }
}

/// Whether an Ubuntu number is a long-term release: April of an even year.
fn is_lts(year: u64, month: u64) -> bool {
    year > 0 && year.is_multiple_of(2) && month == 4
}

impl Distribution {
    /// The distribution that an image is: Docker Hub's own and its public mirrors, never a private `team/ubuntu`.
    pub(super) fn of(image: &ImageName) -> Option<Self> {
        let host = if image.host().is_docker_hub() {
            "docker.io"
        } else {
            image.host().as_str()
        };
        let path = image.path();
        if host == "mcr.microsoft.com" && path.starts_with("windows/") {
            return Some(Self::Windows);
        }
        let own = OWN
            .iter()
            .find(|(own, name, _)| (*own, *name) == (host, path));
        if let Some((.., distribution)) = own {
            return Some(*distribution);
        }
        let library = LIBRARIES.iter().find(|(library, _)| *library == host);
        let name = library.and_then(|(_, folder)| path.strip_prefix(folder));
        match name? {
            "ubuntu" => Some(Self::Ubuntu),
            "debian" => Some(Self::Debian),
            "fedora" => Some(Self::Fedora),
            _ => None,
        }
    }

    /// The release with a codename; rolling words (`sid`) are not releases.
    pub(super) fn release(self, codename: &str) -> Option<&'static Release> {
        let releases: &[Release] = match self {
            Self::Ubuntu => &UBUNTU,
            Self::Debian => &DEBIAN,
            Self::Fedora | Self::Windows => &[],
        };
        releases.iter().find(|release| release.codename == codename)
    }

    /// The word for what is never released; its position follows all releases.
    pub(super) fn rolling(self, word: &str) -> Option<&'static Release> {
        let words: &[Release] = match self {
            Self::Ubuntu => &UBUNTU_ROLLING,
            Self::Debian => &DEBIAN_ROLLING,
            Self::Fedora | Self::Windows => &[],
        };
        words.iter().find(|release| release.codename == word)
    }
}

/// Whether an Ubuntu number such as 24.04 is a long-term release.
pub(super) fn is_lts_number(year: Option<u64>, month: Option<u64>) -> bool {
    matches!((year, month), (Some(year), Some(month)) if is_lts(year, month))
}

/// Whether an Ubuntu number is out on a day; a number that is not in the table, once its month is over.
pub(super) fn is_number_out(year: Option<u64>, month: Option<u64>, today: Date) -> bool {
    let (Some(year), Some(month)) = (year, month) else {
        return false;
    };
    let known = UBUNTU.iter().find(|release| {
        (u64::from(release.number.0), u64::from(release.number.1)) == (year, month)
    });
    match known {
        Some(release) => release.is_out(today),
        None => {
            let now = (today.year() - 2000, i16::from(today.month()));
            match (i16::try_from(year), i16::try_from(month)) {
                (Ok(year), Ok(month)) => (year, month) < now,
                _ => false,
            }
        }
    }
}

/// Whether a number of Fedora is out on a day: before its release it is rawhide. A number that is not in the table is
/// out from June of its spring or December of its autumn on.
pub(super) fn is_fedora_out(number: Option<u64>, today: Date) -> bool {
    let Some(number) = number.and_then(|number| i16::try_from(number).ok()) else {
        return false;
    };
    let known = FEDORA.iter().find(|(own, _)| *own == number);
    match known {
        Some((_, released)) => *released <= today,
        None if number < FEDORA[0].0 => true,
        None => {
            // Two a year: 40 came in the spring of 2024.
            let (year, month) = (2024 + (number - 40) / 2, 6 + 6 * i16::from(number % 2 == 1));
            (today.year(), i16::from(today.month())) >= (year, month)
        }
    }
}

const fn ubuntu(place: u16, number: (u16, u16), codename: &'static str, released: Date) -> Release {
    Release {
        codename,
        place,
        number,
        released: Some(released),
    }
}

const fn debian(place: u16, codename: &'static str, released: Option<Date>) -> Release {
    Release {
        codename,
        place,
        number: (0, 0),
        released,
    }
}

/// All releases of Ubuntu, oldest first (<https://wiki.ubuntu.com/Releases>).
const UBUNTU: [Release; 45] = [
    ubuntu(0, (4, 10), "warty", date(2004, 10, 20)),
    ubuntu(1, (5, 4), "hoary", date(2005, 4, 8)),
    ubuntu(2, (5, 10), "breezy", date(2005, 10, 12)),
    ubuntu(3, (6, 6), "dapper", date(2006, 6, 1)),
    ubuntu(4, (6, 10), "edgy", date(2006, 10, 26)),
    ubuntu(5, (7, 4), "feisty", date(2007, 4, 19)),
    ubuntu(6, (7, 10), "gutsy", date(2007, 10, 18)),
    ubuntu(7, (8, 4), "hardy", date(2008, 4, 24)),
    ubuntu(8, (8, 10), "intrepid", date(2008, 10, 30)),
    ubuntu(9, (9, 4), "jaunty", date(2009, 4, 23)),
    ubuntu(10, (9, 10), "karmic", date(2009, 10, 29)),
    ubuntu(11, (10, 4), "lucid", date(2010, 4, 29)),
    ubuntu(12, (10, 10), "maverick", date(2010, 10, 10)),
    ubuntu(13, (11, 4), "natty", date(2011, 4, 28)),
    ubuntu(14, (11, 10), "oneiric", date(2011, 10, 13)),
    ubuntu(15, (12, 4), "precise", date(2012, 4, 26)),
    ubuntu(16, (12, 10), "quantal", date(2012, 10, 18)),
    ubuntu(17, (13, 4), "raring", date(2013, 4, 25)),
    ubuntu(18, (13, 10), "saucy", date(2013, 10, 17)),
    ubuntu(19, (14, 4), "trusty", date(2014, 4, 17)),
    ubuntu(20, (14, 10), "utopic", date(2014, 10, 23)),
    ubuntu(21, (15, 4), "vivid", date(2015, 4, 23)),
    ubuntu(22, (15, 10), "wily", date(2015, 10, 22)),
    ubuntu(23, (16, 4), "xenial", date(2016, 4, 21)),
    ubuntu(24, (16, 10), "yakkety", date(2016, 10, 13)),
    ubuntu(25, (17, 4), "zesty", date(2017, 4, 13)),
    ubuntu(26, (17, 10), "artful", date(2017, 10, 19)),
    ubuntu(27, (18, 4), "bionic", date(2018, 4, 26)),
    ubuntu(28, (18, 10), "cosmic", date(2018, 10, 18)),
    ubuntu(29, (19, 4), "disco", date(2019, 4, 18)),
    ubuntu(30, (19, 10), "eoan", date(2019, 10, 17)),
    ubuntu(31, (20, 4), "focal", date(2020, 4, 23)),
    ubuntu(32, (20, 10), "groovy", date(2020, 10, 22)),
    ubuntu(33, (21, 4), "hirsute", date(2021, 4, 22)),
    ubuntu(34, (21, 10), "impish", date(2021, 10, 14)),
    ubuntu(35, (22, 4), "jammy", date(2022, 4, 21)),
    ubuntu(36, (22, 10), "kinetic", date(2022, 10, 20)),
    ubuntu(37, (23, 4), "lunar", date(2023, 4, 20)),
    ubuntu(38, (23, 10), "mantic", date(2023, 10, 12)),
    ubuntu(39, (24, 4), "noble", date(2024, 4, 25)),
    ubuntu(40, (24, 10), "oracular", date(2024, 10, 10)),
    ubuntu(41, (25, 4), "plucky", date(2025, 4, 17)),
    ubuntu(42, (25, 10), "questing", date(2025, 10, 9)),
    ubuntu(43, (26, 4), "resolute", date(2026, 4, 23)),
    ubuntu(44, (26, 10), "stonking", date(2026, 10, 15)),
];

/// Fedora's newer releases (<https://fedorapeople.org/groups/schedule/>); all older ones are out.
const FEDORA: [(i16, Date); 9] = [
    (35, date(2021, 11, 2)),
    (36, date(2022, 5, 10)),
    (37, date(2022, 11, 15)),
    (38, date(2023, 4, 18)),
    (39, date(2023, 11, 7)),
    (40, date(2024, 4, 23)),
    (41, date(2024, 10, 29)),
    (42, date(2025, 4, 15)),
    (43, date(2025, 10, 28)),
];

/// The release after the newest release of Ubuntu, or the one after that.
const UBUNTU_ROLLING: [Release; 2] = [debian(1000, "rolling", None), debian(1001, "devel", None)];

/// All releases of Debian, oldest first (<https://www.debian.org/releases/>).
const DEBIAN: [Release; 20] = [
    debian(0, "buzz", Some(date(1996, 6, 17))),
    debian(1, "rex", Some(date(1996, 12, 12))),
    debian(2, "bo", Some(date(1997, 6, 5))),
    debian(3, "hamm", Some(date(1998, 7, 24))),
    debian(4, "slink", Some(date(1999, 3, 9))),
    debian(5, "potato", Some(date(2000, 8, 15))),
    debian(6, "woody", Some(date(2002, 7, 19))),
    debian(7, "sarge", Some(date(2005, 6, 6))),
    debian(8, "etch", Some(date(2007, 4, 8))),
    debian(9, "lenny", Some(date(2009, 2, 14))),
    debian(10, "squeeze", Some(date(2011, 2, 6))),
    debian(11, "wheezy", Some(date(2013, 5, 4))),
    debian(12, "jessie", Some(date(2015, 4, 26))),
    debian(13, "stretch", Some(date(2017, 6, 17))),
    debian(14, "buster", Some(date(2019, 7, 6))),
    debian(15, "bullseye", Some(date(2021, 8, 14))),
    debian(16, "bookworm", Some(date(2023, 6, 10))),
    debian(17, "trixie", Some(date(2025, 8, 9))),
    debian(18, "forky", None),
    debian(19, "duke", None),
];

/// The words for what is never released.
const DEBIAN_ROLLING: [Release; 5] = [
    debian(1000, "testing", None),
    debian(1001, "unstable", None),
    debian(1001, "sid", None),
    debian(1002, "experimental", None),
    debian(1002, "rc-buggy", None),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_in_order() {
        for releases in [&UBUNTU[..], &DEBIAN[..]] {
            let dated: Vec<_> = releases.iter().filter_map(|r| r.released).collect();
            assert!(dated.is_sorted());
            assert!(
                releases
                    .iter()
                    .map(|r| r.place)
                    .eq(0..releases.len() as u16)
            );
        }
        assert!(UBUNTU.iter().all(|r| {
            let released = r.released.expect("all rows are dated");
            (released.year(), i16::from(released.month()))
                == (2000 + r.number.0 as i16, r.number.1 as i16)
        }));
    }

    #[test]
    fn only_docker_hubs_own_images_are_distributions() {
        for (name, expect) in [
            ("ubuntu", Some(Distribution::Ubuntu)),
            ("docker.io/library/debian", Some(Distribution::Debian)),
            ("team/ubuntu", None),
            ("registry.example.com/library/ubuntu", None),
            ("ubuntu/ubuntu", None),
            ("fedora", Some(Distribution::Fedora)),
            ("mirror.gcr.io/library/ubuntu", Some(Distribution::Ubuntu)),
            ("mirror.gcr.io/ubuntu", None),
            (
                "public.ecr.aws/docker/library/debian",
                Some(Distribution::Debian),
            ),
            ("public.ecr.aws/library/debian", None),
            ("public.ecr.aws/ubuntu/ubuntu", Some(Distribution::Ubuntu)),
            ("public.ecr.aws/team/ubuntu", None),
            (
                "mcr.microsoft.com/windows/servercore",
                Some(Distribution::Windows),
            ),
            ("mcr.microsoft.com/dotnet/sdk", None),
        ] {
            let image = ImageName::parse(name).expect("a name");
            assert_eq!(Distribution::of(&image), expect, "{name}");
        }
    }

    #[test]
    fn fedora_is_out_from_its_release_on() {
        for (number, today, expect) in [
            (30, date(2026, 11, 21), true),
            (43, date(2025, 10, 27), false),
            (43, date(2025, 10, 28), true),
            (44, date(2026, 5, 31), false),
            (44, date(2026, 6, 1), true),
            (45, date(2026, 11, 30), false),
            (45, date(2026, 12, 1), true),
            (u64::MAX, date(2026, 11, 21), false),
            (32_000, date(2026, 11, 21), false),
        ] {
            assert_eq!(
                is_fedora_out(Some(number), today),
                expect,
                "{number} {today}"
            );
        }
    }

    #[test]
    fn a_number_is_out_from_its_release_on() {
        for (number, today, expect) in [
            ((24, 4), date(2024, 4, 24), false),
            ((24, 4), date(2024, 4, 25), true),
            ((26, 10), date(2026, 11, 21), true),
            ((27, 4), date(2027, 4, 30), false),
            ((27, 4), date(2027, 5, 1), true),
            ((28, 4), date(2026, 11, 21), false),
            ((u64::MAX, 4), date(2026, 11, 21), false),
        ] {
            let (year, month) = number;
            assert_eq!(
                is_number_out(Some(year), Some(month), today),
                expect,
                "{number:?}"
            );
        }
    }
}
