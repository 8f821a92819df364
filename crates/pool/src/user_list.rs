//! Lists users page by page, with an optional filter.

use super::Pool;
use super::account::Account;
use poolproof_cognito::protocol::{AccountResponse, ApiError, ListUsers, Reply, Response};

/// Default page size and maximum of `Limit`.
const MAX_PAGE_SIZE: u32 = 60;

/// The attributes that `Filter` can name (API reference, ListUsers).
const SEARCHABLE: [&str; 10] = [
    "username",
    "email",
    "phone_number",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "cognito:user_status",
    "status",
    "sub",
];

/// `Filter`: one attribute, and its value or prefix.
struct Filter<'r> {
    name: &'r str,
    value: String,
    whole: bool,
}

impl<'r> Filter<'r> {
    /// Parses `name = "value"` or `name ^= "value"`; a quote inside is written `\"`.
    fn read(text: &'r str) -> Result<Option<Self>, ApiError> {
        let bad = || ApiError::invalid_parameter("Error while parsing filter.");
        if text.trim().is_empty() {
            return Ok(None);
        }
        let (name, value) = text.split_once('=').ok_or_else(bad)?;
        let (name, whole) = name.trim().strip_suffix('^').map_or((name, true), |name| (name, false));
        let name = name.trim().trim_matches('"');
        let value = value.trim();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).ok_or_else(bad)?;
        let value = unescaped(value).ok_or_else(bad)?;
        if name.is_empty() || name.chars().any(char::is_whitespace) {
            return Err(bad());
        }
        if !SEARCHABLE.contains(&name) {
            let shown: String = name.chars().take(64).collect();
            return Err(ApiError::invalid_parameter(format!("Invalid search attribute: {shown}")));
        }
        Ok(Some(Self { name, value, whole }))
    }

    /// Returns whether the user has the value. The status is compared without regard to case, and so is the
    /// name in a pool that ignores case (`fold`).
    fn matches(&self, account: &Account, fold: impl Fn(&str) -> String) -> bool {
        let lower_case = |text: &str| text.to_ascii_lowercase();
        let found = match self.name {
            "username" => return self.fits(&fold(account.username.as_str()), &fold(&self.value)),
            "cognito:user_status" => {
                return self.fits(&lower_case(account.status()), &lower_case(&self.value));
            }
            "sub" => Some(account.sub.as_str()),
            "email" => account.email.as_deref(),
            "phone_number" => account.phone.as_deref(),
            "status" => Some(if account.disabled { "Disabled" } else { "Enabled" }),
            other => account.attributes.get(other).map(|value| &**value),
        };
        found.is_some_and(|found| self.fits(found, &self.value))
    }

    fn fits(&self, found: &str, value: &str) -> bool {
        if self.whole { found == value } else { found.starts_with(value) }
    }
}

/// Returns a quoted text without its escapes; `None` if it contains a quote that is not escaped.
fn unescaped(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split("\\\"").collect();
    parts.iter().all(|part| !part.contains('"')).then(|| parts.join("\""))
}

impl Pool {
    /// `ListUsers`, in the order in which the users were added.
    pub(super) fn list_users(&self, request: &ListUsers) -> Reply {
        self.check_pool(&request.user_pool_id)?;
        let limit = request.limit.filter(|limit| *limit > 0).unwrap_or(MAX_PAGE_SIZE).min(MAX_PAGE_SIZE);
        let first = match request.pagination_token.as_deref().map(str::parse::<u64>) {
            None => 0,
            Some(Ok(first)) => first,
            Some(Err(_)) => return Err(ApiError::invalid_parameter("Invalid pagination token.")),
        };
        let filter = Filter::read(request.filter.as_deref().unwrap_or_default())?;
        let fold = |name: &str| self.directory.fold(name);
        let shown = |account: &Account| filter.as_ref().is_none_or(|filter| filter.matches(account, fold));
        let mut rest = self.directory.from(first).filter(|(_, account)| shown(account));
        let wanted = &request.attributes_to_get;
        let descriptions =
            rest.by_ref().take(usize::try_from(limit).unwrap_or(usize::MAX)).map(|(_, account)| {
                let mut user = account.description();
                if !wanted.is_empty() {
                    user.attributes.retain(|(name, _)| wanted.contains(name));
                }
                user
            });
        let users = descriptions.collect();
        let pagination_token = rest.next().map(|(at, _)| at.to_string());
        Ok(Response::Account(AccountResponse::Users { users, pagination_token }))
    }
}
