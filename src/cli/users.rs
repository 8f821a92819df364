//! Users of a pool that is there, from a CSV file (RFC 4180): username, password, and for some the secret of their app.

use std::path::Path;

use crate::ids::{Password, Username};
use crate::run::Tenant;
use crate::totp::TotpSecret;

/// Names of the columns.
const COLUMNS: [&str; 3] = ["username", "password", "totp"];
/// Users are this many at most, as in a scenario.
const MOST: usize = 1_000_000;
/// With names and passwords of some length each.
const MAX_BYTES: usize = 256 << 20;

/// Reads the users of this file.
pub(super) fn read(file: &Path) -> Result<Vec<Tenant>, String> {
    let text = crate::input::text(file, MAX_BYTES).map_err(|error| format!("{}: {error}", file.display()))?;
    parse(&text).map_err(|flaw| format!("{}:{flaw}", file.display()))
}

/// The users, or `line:column: what is wrong`.
fn parse(text: &str) -> Result<Vec<Tenant>, String> {
    let mut tenants: Vec<Tenant> = Vec::new();
    let mut names = std::collections::BTreeSet::new();
    for record in records(text.strip_prefix('\u{feff}').unwrap_or(text))? {
        let Record { line, fields } = record;
        let words: Vec<&str> = fields.iter().map(|(_, word)| word.as_str()).collect();
        let heading = tenants.is_empty() && words.first() == Some(&COLUMNS[0]);
        if heading || words == [""] {
            continue;
        }
        let flaw = |place: usize, what: &str| {
            let column = fields.get(place).map_or(1, |(column, _)| *column);
            Err(format!("{line}:{column}: {what}"))
        };
        let (username, password, totp) = match words[..] {
            [username, password] => (username, password, ""),
            [username, password, totp] => (username, password, totp),
            [_] => return flaw(0, "username and password are needed, with a comma between"),
            _ => return flaw(3, "a user has three columns at most: username, password, totp"),
        };
        for (place, word) in [username, password].into_iter().enumerate() {
            if word.is_empty() {
                return flaw(place, &format!("{} is empty", COLUMNS[place]));
            }
        }
        if !names.insert(username.to_owned()) {
            return flaw(0, &format!("{username} is there twice"));
        }
        let totp = match totp {
            "" => None,
            text => match TotpSecret::from_base32(text) {
                Some(secret) => Some(secret),
                None => return flaw(2, "totp is not base32"),
            },
        };
        if tenants.len() >= MOST {
            return flaw(0, &format!("more than {MOST} users"));
        }
        tenants.push(Tenant { username: Username::new(username), password: Password::new(password), totp });
    }
    if tenants.is_empty() { Err("1:1: no user".to_owned()) } else { Ok(tenants) }
}

/// One record: where it begins, and its fields with the columns that they begin at.
struct Record {
    line: usize,
    fields: Vec<(usize, String)>,
}

fn records(text: &str) -> Result<Vec<Record>, String> {
    let mut records = Vec::new();
    let (mut line, mut column) = (1, 1);
    let mut letters = text.chars().peekable();
    while letters.peek().is_some() {
        let mut record = Record { line, fields: Vec::new() };
        loop {
            let (begins, mut field) = (column, String::new());
            if letters.next_if_eq(&'"').is_some() {
                column += 1;
                let unfinished =
                    || format!("{}:{begins}: a quotation mark that is never closed", record.line);
                loop {
                    let letter = letters.next().ok_or_else(unfinished)?;
                    column += 1;
                    if letter != '"' {
                        field.push(letter);
                        if letter == '\n' {
                            (line, column) = (line + 1, 1);
                        }
                    } else if letters.next_if_eq(&'"').is_some() {
                        column += 1;
                        field.push('"');
                    } else {
                        break;
                    }
                }
            }
            while let Some(letter) = letters.next_if(|letter| !matches!(letter, ',' | '\n' | '\r')) {
                column += 1;
                field.push(letter);
            }
            record.fields.push((begins, field));
            let end = letters.next();
            column += 1;
            match end {
                Some(',') => {}
                Some('\r') if letters.peek() != Some(&'\n') => {}
                Some('\r') => {
                    letters.next();
                    break;
                }
                _ => break,
            }
        }
        (line, column) = (line + 1, 1);
        records.push(record);
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        match parse(text) {
            Ok(tenants) => tenants
                .iter()
                .map(|one| format!("{}/{}/{}", one.username, one.password.as_str(), one.totp.is_some()))
                .collect::<Vec<_>>()
                .join(" "),
            Err(flaw) => flaw,
        }
    }

    #[test]
    fn users_are_read_as_spreadsheets_write_them() {
        assert_eq!(
            told("ann,secret\nbob,\"a,\"\"b\"\nJ2,p,GEZDGNBVGY3TQOJQ\n"),
            "ann/secret/false bob/a,\"b/false J2/p/true"
        );
        assert_eq!(
            told("\u{feff}username,password,totp\r\nann,x,\r\n\r\nbob,y\r\n"),
            "ann/x/false bob/y/false"
        );
        assert_eq!(told("ann,x"), "ann/x/false", "without a line end at the end");
    }

    #[test]
    fn a_flaw_is_told_with_line_and_column() {
        assert_eq!(told("ann,x\nbob"), "2:1: username and password are needed, with a comma between");
        assert_eq!(told("ann,x\n,y"), "2:1: username is empty");
        assert_eq!(told("ann,x\nbob,"), "2:5: password is empty");
        assert_eq!(told("ann,x\nbob,y,1!"), "2:7: totp is not base32");
        assert_eq!(
            told("ann,x\nbob,y,,z"),
            "2:8: a user has three columns at most: username, password, totp"
        );
        assert_eq!(told("ann,x\nbob,\"y"), "2:5: a quotation mark that is never closed");
        assert_eq!(told("ann,\"x\ny\"\nann,z"), "3:1: ann is there twice");
        assert_eq!(told("username,password\n"), "1:1: no user");
    }
}
