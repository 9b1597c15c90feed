//! The name that a certificate binds: one URI among its subject's alternative names.

use std::{fmt, str::FromStr};

use crate::IdentityError;

/// The scheme of such URIs.
const SCHEME: &str = "zhijie://";

/// Who somebody is: a role, and the province or the institution that plays it. As text it is a URI, such as
/// `zhijie://care/310000`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Identity {
    /// The national hub: `zhijie://hub`.
    Hub,
    /// The care service of a province: `zhijie://care/310000`.
    Care(String),
    /// The home service of a province: `zhijie://home/340000`.
    Home(String),
    /// A hospital or pharmacy, with the province whose care service it speaks to:
    /// `zhijie://institution/310000/H31010000004`.
    Institution(String, String),
    /// Officers of a province: `zhijie://office/310000`.
    Office(String),
    /// Officers of the national agency: `zhijie://national`.
    National,
}

impl Identity {
    /// The name without the scheme, such as `care/310000`.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Identity::Hub => "hub".into(),
            Identity::Care(province) => format!("care/{province}"),
            Identity::Home(province) => format!("home/{province}"),
            Identity::Institution(province, code) => format!("institution/{province}/{code}"),
            Identity::Office(province) => format!("office/{province}"),
            Identity::National => "national".into(),
        }
    }

    /// Reads a name without the scheme.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] for what is none.
    pub fn of_path(path: &str) -> Result<Identity, IdentityError> {
        let unknown = || IdentityError::Invalid(format!("`{path}` names nobody"));
        let province = |text: &str| match text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            true => Ok(text.to_owned()),
            false => Err(unknown()),
        };
        let code = |text: &str| match text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            true => Ok(text.to_owned()),
            false => Err(unknown()),
        };
        match path.split('/').collect::<Vec<_>>()[..] {
            ["hub"] => Ok(Identity::Hub),
            ["care", place] => province(place).map(Identity::Care),
            ["home", place] => province(place).map(Identity::Home),
            ["institution", place, institution] => Ok(Identity::Institution(province(place)?, code(institution)?)),
            ["office", place] => province(place).map(Identity::Office),
            ["national"] => Ok(Identity::National),
            _ => Err(unknown()),
        }
    }

    /// The name of its folder and of its host, such as `care-310000` or `institution-H31010000004`.
    #[must_use]
    pub fn folder(&self) -> String {
        match self {
            Identity::Institution(_, code) => format!("institution-{code}"),
            other => other.path().replace('/', "-"),
        }
    }

    /// True for those whom others call: the hub, care and home services.
    #[must_use]
    pub fn is_service(&self) -> bool {
        matches!(self, Identity::Hub | Identity::Care(_) | Identity::Home(_))
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", self.path())
    }
}

impl FromStr for Identity {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Identity, IdentityError> {
        let path = text.strip_prefix(SCHEME);
        Identity::of_path(path.ok_or_else(|| IdentityError::Invalid(format!("`{text}` does not begin with {SCHEME}")))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written_and_nothing_else_is() {
        for text in [
            "zhijie://hub",
            "zhijie://care/310000",
            "zhijie://home/340000",
            "zhijie://institution/310000/H31010000004",
            "zhijie://office/310000",
            "zhijie://national",
        ] {
            assert_eq!(text.parse::<Identity>().expect(text).to_string(), text);
        }
        for text in [
            "",
            "hub",
            "zhijie://",
            "zhijie://hub/310000",
            "zhijie://care",
            "zhijie://care/31000",
            "zhijie://care/3100000",
            "zhijie://care/31000x",
            "zhijie://care/310000/",
            "zhijie://care/310000/H31010000004",
            "zhijie://institution/310000",
            "zhijie://institution/310000/H3101/000004",
            "zhijie://Hub",
            "https://hub",
        ] {
            assert!(text.parse::<Identity>().is_err(), "{text}");
        }
    }
}
