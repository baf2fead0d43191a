//! Enums whose members have stable names, used in configuration, reports and documentation.

/// An enum that [`coded!`] declares: what code that is generic over such enums needs.
pub(crate) trait Coded: Copy + std::fmt::Display + 'static {
    /// The members by their names, in the order in which they are declared.
    const MEMBERS: &'static [(&'static str, Self)];
    /// The names, in the same order.
    const CODES: &'static [&'static str];

    /// The member with this name.
    fn of_code(code: &str) -> Option<Self> {
        let mut members = Self::MEMBERS.iter();
        members
            .find(|(known, _)| *known == code)
            .map(|(_, member)| *member)
    }
}

/// Declares an enum once: each member with its documentation, its code and, if users see it, its sentence.
///
/// The enum has `ALL` and `code`, it is [`Coded`], and has `describe` if there are sentences. It is displayed and serialized as its code.
/// Further derives are written above it.
macro_rules! coded {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$doc:meta])* $member:ident = $code:literal $(, $text:literal)?;)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $vis enum $name {
            $($(#[$doc])* $member,)+
        }

        impl $name {
            /// All of them, in the order in which they are declared.
            $vis const ALL: [Self; [$($code),+].len()] = [$(Self::$member),+];

            /// The stable name.
            $vis const fn code(self) -> &'static str {
                match self {
                    $(Self::$member => $code,)+
                }
            }

            $crate::coded::describe! { $vis $($member $(, $text)?;)+ }
        }

        impl $crate::coded::Coded for $name {
            const MEMBERS: &'static [(&'static str, Self)] = &[$(($code, Self::$member)),+];
            const CODES: &'static [&'static str] = &[$($code),+];
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.code())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.code())
            }
        }
    };
}

/// `describe`, if every member has a sentence.
macro_rules! describe {
    ($vis:vis $($member:ident;)+) => {};
    ($vis:vis $($member:ident, $text:literal;)+) => {
        /// One sentence for users.
        $vis const fn describe(self) -> &'static str {
            match self {
                $(Self::$member => $text,)+
            }
        }
    };
}

pub(crate) use {coded, describe};

#[cfg(test)]
mod tests {
    use super::Coded as _;

    coded! {
        /// A colour.
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        enum Colour {
            /// As blood.
            DarkRed = "dark-red", "as blood";
            /// As grass.
            Green = "green", "as grass";
        }
    }

    #[test]
    fn a_code_is_what_is_shown_written_and_read() {
        assert_eq!(Colour::ALL, [Colour::DarkRed, Colour::Green]);
        assert_eq!(Colour::CODES, ["dark-red", "green"]);
        assert_eq!(Colour::of_code("red"), None);
        for (colour, code, text) in [
            (Colour::DarkRed, "dark-red", "as blood"),
            (Colour::Green, "green", "as grass"),
        ] {
            assert_eq!((colour.code(), colour.describe()), (code, text));
            assert_eq!(Colour::of_code(code), Some(colour));
            assert_eq!(format!("{colour:>8}"), format!("{code:>8}"));
            let json = serde_json::to_string(&colour).ok();
            assert_eq!(json, Some(format!("{code:?}")));
            let read = serde_json::from_str(&format!("{code:?}")).ok();
            assert_eq!(read, Some(colour));
        }
    }
}
