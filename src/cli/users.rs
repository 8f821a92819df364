//! Existing users from a CSV file (RFC 4180): username, password, and optionally the TOTP secret.

use std::iter::Peekable;
use std::path::Path;
use std::str::Chars;

use crate::endpoint::ExistingUser;
use poolproof_cognito::ids::{Password, Username};
use poolproof_cognito::totp::TotpSecret;

/// Column names.
const COLUMNS: [&str; 3] = ["username", "password", "totp"];
/// Most users, as in a scenario.
const MAX_USERS: usize = 1_000_000;
/// Most bytes of the file.
const MAX_BYTES: usize = 256 << 20;

/// Reads the users of a file.
pub(super) fn read(file: &Path) -> Result<Vec<ExistingUser>, String> {
    let text =
        crate::input::read_text(file, MAX_BYTES).map_err(|error| format!("{}: {error}", file.display()))?;
    parse(&text).map_err(|parse_error| format!("{}:{parse_error}", file.display()))
}

/// Parses the users, or returns `line:column: error`.
fn parse(text: &str) -> Result<Vec<ExistingUser>, String> {
    let mut existing_users: Vec<ExistingUser> = Vec::new();
    let mut names = std::collections::BTreeSet::new();
    for record in records(text.strip_prefix('\u{feff}').unwrap_or(text))? {
        let Record { line, fields } = record;
        let words: Vec<&str> = fields.iter().map(|(_, word)| word.as_str()).collect();
        let heading = existing_users.is_empty()
            && words.first().is_some_and(|word| word.eq_ignore_ascii_case(COLUMNS[0]));
        if heading || words == [""] {
            continue;
        }
        let parse_error = |place: usize, what: &str| {
            let column = fields.get(place).map_or(1, |(column, _)| *column);
            Err(format!("{line}:{column}: {what}"))
        };
        let (username, password, totp) = match words[..] {
            [username, password] => (username, password, ""),
            [username, password, totp] => (username, password, totp),
            [_] => return parse_error(0, "expected username and password, separated by a comma"),
            _ => return parse_error(3, "expected at most three columns: username, password, totp"),
        };
        for (place, word) in [username, password].into_iter().enumerate() {
            if word.is_empty() {
                return parse_error(place, &format!("{} is empty", COLUMNS[place]));
            }
        }
        if let Some(letter) = username.chars().find(|letter| letter.is_control()) {
            return parse_error(
                0,
                &format!("username contains the control character U+{:04X}", u32::from(letter)),
            );
        }
        if !names.insert(username.to_owned()) {
            return parse_error(0, &format!("{username} appears twice"));
        }
        let totp = match totp {
            "" => None,
            text => match TotpSecret::from_base32(text) {
                Some(secret) => Some(secret),
                None => return parse_error(2, "totp is not valid base32"),
            },
        };
        if existing_users.len() >= MAX_USERS {
            return parse_error(0, &format!("more than {MAX_USERS} users"));
        }
        existing_users.push(ExistingUser {
            username: Username::new(username),
            password: Password::new(password),
            totp,
        });
    }
    if existing_users.is_empty() { Err("1:1: no user".to_owned()) } else { Ok(existing_users) }
}

/// One record: its line, and its fields with their columns.
struct Record {
    line: usize,
    fields: Vec<(usize, String)>,
}

fn records(text: &str) -> Result<Vec<Record>, String> {
    let mut records = Vec::new();
    let mut place = Cursor { letters: text.chars().peekable(), line: 1, column: 1 };
    while place.letters.peek().is_some() {
        let mut record = Record { line: place.line, fields: Vec::new() };
        loop {
            let start_column = place.column;
            let field = if place.consume('"') {
                place.quoted_field(record.line, start_column)?
            } else {
                place.unquoted_field()
            };
            record.fields.push((start_column, field));
            if !place.consume(',') {
                break;
            }
        }
        // A line ends with CR, LF or both.
        place.consume('\r');
        place.consume('\n');
        (place.line, place.column) = (place.line + 1, 1);
        records.push(record);
    }
    Ok(records)
}

/// A position in the text, counted from 1.
struct Cursor<'t> {
    letters: Peekable<Chars<'t>>,
    line: usize,
    column: usize,
}

impl Cursor<'_> {
    /// Skips this character if it is next.
    fn consume(&mut self, letter: char) -> bool {
        let is_next = self.letters.next_if_eq(&letter).is_some();
        self.column += usize::from(is_next);
        is_next
    }

    /// Reads a field without quotation marks.
    fn unquoted_field(&mut self) -> String {
        let mut field = String::new();
        while let Some(letter) = self.letters.next_if(|letter| !FIELD_TERMINATORS.contains(letter)) {
            self.column += 1;
            field.push(letter);
        }
        field
    }

    /// Reads a field after its opening quotation mark.
    fn quoted_field(&mut self, line: usize, start_column: usize) -> Result<String, String> {
        let mut field = String::new();
        loop {
            let unfinished = || format!("{line}:{start_column}: a quotation mark is never closed");
            let letter = self.letters.next().ok_or_else(unfinished)?;
            self.column += 1;
            if letter != '"' {
                field.push(letter);
                if letter == '\n' {
                    (self.line, self.column) = (self.line + 1, 1);
                }
            } else if self.consume('"') {
                field.push('"');
            } else {
                break;
            }
        }
        match self.letters.peek() {
            Some(letter) if !FIELD_TERMINATORS.contains(letter) => Err(format!(
                "{}:{}: expected a comma after the closing quotation mark",
                self.line, self.column
            )),
            _ => Ok(field),
        }
    }
}

/// Characters that end a field.
const FIELD_TERMINATORS: [char; 3] = [',', '\n', '\r'];

#[cfg(test)]
mod tests {
    use super::*;

    fn summarize(text: &str) -> String {
        match parse(text) {
            Ok(existing_users) => existing_users
                .iter()
                .map(|one| format!("{}/{}/{}", one.username, one.password.as_str(), one.totp.is_some()))
                .collect::<Vec<_>>()
                .join(" "),
            Err(parse_error) => parse_error,
        }
    }

    #[test]
    fn spreadsheet_csv_is_parsed() {
        assert_eq!(
            summarize("ann,secret\nbob,\"a,\"\"b\"\nJ2,p,GEZDGNBVGY3TQOJQ\n"),
            "ann/secret/false bob/a,\"b/false J2/p/true"
        );
        assert_eq!(
            summarize("\u{feff}username,password,totp\r\nann,x,\r\n\r\nbob,y\r\n"),
            "ann/x/false bob/y/false"
        );
        assert_eq!(summarize("ann,x"), "ann/x/false", "without a line end at the end");
        for heading in ["Username,Password", "USERNAME,PASSWORD,TOTP", "\"UserName\",\"password\""] {
            assert_eq!(summarize(&format!("{heading}\nann,x\n")), "ann/x/false", "{heading}");
        }
        assert_eq!(summarize("ann,x\nusername,y\n"), "ann/x/false username/y/false", "a heading comes first");
    }

    #[test]
    fn errors_have_line_and_column() {
        assert_eq!(summarize("ann,x\nbob"), "2:1: expected username and password, separated by a comma");
        assert_eq!(summarize("ann,x\n,y"), "2:1: username is empty");
        assert_eq!(summarize("ann,x\nbob,"), "2:5: password is empty");
        assert_eq!(summarize("ann,x\nbob,y,1!"), "2:7: totp is not valid base32");
        assert_eq!(
            summarize("ann,x\nbob,y,,z"),
            "2:8: expected at most three columns: username, password, totp"
        );
        assert_eq!(summarize("ann,x\nbob,\"y"), "2:5: a quotation mark is never closed");
        let after = "expected a comma after the closing quotation mark";
        assert_eq!(summarize("ann,x\n\"bob\"junk,y"), format!("2:6: {after}"));
        assert_eq!(summarize("ann,\"x\"\"\" y"), format!("1:10: {after}"));
        assert_eq!(summarize("ann,\"x\ny\"z"), format!("2:3: {after}"));
        assert_eq!(summarize("ann,x\nb\0b,y"), "2:1: username contains the control character U+0000");
        assert_eq!(summarize("\x1b[2Jann,x"), "1:1: username contains the control character U+001B");
        assert_eq!(summarize("ann,\"x\ny\"\nann,z"), "3:1: ann appears twice");
        assert_eq!(summarize("username,password\n"), "1:1: no user");
    }
}
