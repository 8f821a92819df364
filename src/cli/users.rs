//! Users of a pool that is there, from a CSV file (RFC 4180): username, password, and for some the secret of their app.

use std::iter::Peekable;
use std::path::Path;
use std::str::Chars;

use crate::run::Tenant;
use poolproof_cognito::ids::{Password, Username};
use poolproof_cognito::totp::TotpSecret;

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
        let heading =
            tenants.is_empty() && words.first().is_some_and(|word| word.eq_ignore_ascii_case(COLUMNS[0]));
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
        if let Some(letter) = username.chars().find(|letter| letter.is_control()) {
            return flaw(0, &format!("username has the control character U+{:04X}", u32::from(letter)));
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
    let mut place = Place { letters: text.chars().peekable(), line: 1, column: 1 };
    while place.letters.peek().is_some() {
        let mut record = Record { line: place.line, fields: Vec::new() };
        loop {
            let begins = place.column;
            let field = if place.passes('"') { place.quoted(record.line, begins)? } else { place.plain() };
            record.fields.push((begins, field));
            if !place.passes(',') {
                break;
            }
        }
        // A line ends by CR, LF or both.
        place.passes('\r');
        place.passes('\n');
        (place.line, place.column) = (place.line + 1, 1);
        records.push(record);
    }
    Ok(records)
}

/// Where reading is, counted from 1.
struct Place<'t> {
    letters: Peekable<Chars<'t>>,
    line: usize,
    column: usize,
}

impl Place<'_> {
    /// Passes over this letter if it is next.
    fn passes(&mut self, letter: char) -> bool {
        let is_next = self.letters.next_if_eq(&letter).is_some();
        self.column += usize::from(is_next);
        is_next
    }

    /// A field without quotation marks around it.
    fn plain(&mut self) -> String {
        let mut field = String::new();
        while let Some(letter) = self.letters.next_if(|letter| !ENDS.contains(letter)) {
            self.column += 1;
            field.push(letter);
        }
        field
    }

    /// A field of which the first quotation mark, at this place, is passed.
    fn quoted(&mut self, line: usize, begins: usize) -> Result<String, String> {
        let mut field = String::new();
        loop {
            let unfinished = || format!("{line}:{begins}: a quotation mark that is never closed");
            let letter = self.letters.next().ok_or_else(unfinished)?;
            self.column += 1;
            if letter != '"' {
                field.push(letter);
                if letter == '\n' {
                    (self.line, self.column) = (self.line + 1, 1);
                }
            } else if self.passes('"') {
                field.push('"');
            } else {
                break;
            }
        }
        match self.letters.peek() {
            Some(letter) if !ENDS.contains(letter) => Err(format!(
                "{}:{}: after a closing quotation mark only a comma may come",
                self.line, self.column
            )),
            _ => Ok(field),
        }
    }
}

/// What a field ends before.
const ENDS: [char; 3] = [',', '\n', '\r'];

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
        for heading in ["Username,Password", "USERNAME,PASSWORD,TOTP", "\"UserName\",\"password\""] {
            assert_eq!(told(&format!("{heading}\nann,x\n")), "ann/x/false", "{heading}");
        }
        assert_eq!(told("ann,x\nusername,y\n"), "ann/x/false username/y/false", "a heading comes first");
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
        let after = "after a closing quotation mark only a comma may come";
        assert_eq!(told("ann,x\n\"bob\"junk,y"), format!("2:6: {after}"));
        assert_eq!(told("ann,\"x\"\"\" y"), format!("1:10: {after}"));
        assert_eq!(told("ann,\"x\ny\"z"), format!("2:3: {after}"));
        assert_eq!(told("ann,x\nb\0b,y"), "2:1: username has the control character U+0000");
        assert_eq!(told("\x1b[2Jann,x"), "1:1: username has the control character U+001B");
        assert_eq!(told("ann,\"x\ny\"\nann,z"), "3:1: ann is there twice");
        assert_eq!(told("username,password\n"), "1:1: no user");
    }
}
