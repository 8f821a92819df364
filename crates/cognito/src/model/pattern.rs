//! The patterns of the API model: sequences of character classes, matched in linear time.

use unicode_general_category::get_general_category;

/// A pattern that a whole text must match, as the model writes it.
#[derive(Debug)]
pub(super) struct Pattern {
    /// The model's text, for messages.
    pub(super) text: &'static str,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// Every text matches.
    Anything,
    /// An Amazon resource name: the one pattern with groups.
    Arn {
        may_be_empty: bool,
    },
    Sequence(Vec<Element>),
}

/// A class of characters, once or any number of times.
#[derive(Clone, Debug)]
struct Element {
    class: Class,
    repeats: bool,
}

#[derive(Clone, Debug, Default)]
struct Class {
    /// The ASCII characters, one bit each.
    ascii: u128,
    /// The first letters of the Unicode categories of the other characters.
    categories: Vec<char>,
    /// Whether all other characters belong to the class.
    others: bool,
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn category(letter: char) -> char {
    get_general_category(letter).abbreviation().chars().next().unwrap_or_default()
}

impl Class {
    fn add(&mut self, letters: impl Fn(u8) -> bool) {
        for byte in (0..128).filter(|byte| letters(*byte)) {
            self.ascii |= 1 << byte;
        }
    }

    fn add_category(&mut self, name: char) {
        self.categories.push(name);
        self.add(|byte| category(char::from(byte)) == name);
    }

    fn contains(&self, letter: char) -> bool {
        if letter.is_ascii() {
            return self.ascii & (1 << u32::from(letter)) != 0;
        }
        self.others || (!self.categories.is_empty() && self.categories.contains(&category(letter)))
    }
}

impl Pattern {
    pub(super) fn parse(text: &'static str) -> Self {
        let body = text.strip_prefix('^').unwrap_or(text);
        let body = body.strip_suffix('$').unwrap_or(body);
        let kind = if body == "(?s).*" {
            Kind::Anything
        } else if body.trim_start_matches('(').starts_with("arn:") {
            Kind::Arn { may_be_empty: body.starts_with('(') }
        } else {
            Kind::Sequence(elements(body))
        };
        Self { text, kind }
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        match &self.kind {
            Kind::Anything => true,
            Kind::Arn { may_be_empty } => (*may_be_empty && text.is_empty()) || is_arn(text),
            Kind::Sequence(elements) => matches_sequence(elements, text),
        }
    }
}

/// Follows all ways to match at once: bit n of `states` is a way that has matched the first n elements.
fn matches_sequence(elements: &[Element], text: &str) -> bool {
    // A repeated element can be left out: its one occurrence is a separate element.
    let skip = |mut states: u64| {
        for (index, element) in elements.iter().enumerate() {
            if element.repeats && states & (1 << index) != 0 {
                states |= 1 << (index + 1);
            }
        }
        states
    };
    let mut states = skip(1);
    for letter in text.chars() {
        let mut next = 0;
        for (index, element) in elements.iter().enumerate() {
            if states & (1 << index) != 0 && element.class.contains(letter) {
                next |= 1 << (if element.repeats { index } else { index + 1 });
            }
        }
        if next == 0 {
            return false;
        }
        states = skip(next);
    }
    states & (1 << elements.len()) != 0
}

/// `arn:PARTITION:SERVICE:[REGION]:ACCOUNT:NAME`, and up to two more names.
fn is_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let is_name = |part: &str| part.bytes().all(|byte| is_word(byte) || b"+=/,.@-".contains(&byte));
    let (account, first) = (parts.get(4).copied().unwrap_or_default(), parts.first());
    (6..=8).contains(&parts.len())
        && first == Some(&"arn")
        && !account.is_empty()
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && parts.iter().enumerate().all(|(index, part)| is_name(part) && (index == 3 || !part.is_empty()))
}

/// Parses classes, literals and the quantifiers `+` and `*`.
fn elements(body: &str) -> Vec<Element> {
    let mut letters = body.chars().peekable();
    let mut elements = Vec::new();
    while let Some(letter) = letters.next() {
        let mut class = Class::default();
        match letter {
            '[' => read_set(&mut letters, &mut class),
            '\\' => drop(read_escape(&mut letters, &mut class)),
            '.' => {
                class.add(|byte| !matches!(byte, b'\n' | b'\r'));
                class.others = true;
            }
            literal => class.add(|byte| char::from(byte) == literal),
        }
        let quantifier = letters.next_if(|next| matches!(next, '+' | '*'));
        if quantifier != Some('*') {
            elements.push(Element { class: class.clone(), repeats: false });
        }
        if quantifier.is_some() {
            elements.push(Element { class, repeats: true });
        }
    }
    elements
}

type Letters<'p> = std::iter::Peekable<std::str::Chars<'p>>;

/// Reads the rest of a set such as `[\w+=a-f-]`.
fn read_set(letters: &mut Letters<'_>, class: &mut Class) {
    let mut previous = None;
    while let Some(letter) = letters.next_if(|letter| *letter != ']') {
        let literal = match letter {
            '\\' => read_escape(letters, class),
            '-' if previous.is_some() && letters.peek().is_some_and(|next| *next != ']') => {
                let last = match letters.next() {
                    Some('\\') => read_escape(letters, class),
                    last => last,
                };
                let range = previous.zip(last);
                class.add(|byte| range.is_some_and(|(from, to)| (from..=to).contains(&char::from(byte))));
                None
            }
            literal => Some(literal),
        };
        class.add(|byte| Some(char::from(byte)) == literal);
        previous = literal;
    }
    letters.next();
}

/// Reads what follows a backslash and adds it. Returns the character if it is a single one.
fn read_escape(letters: &mut Letters<'_>, class: &mut Class) -> Option<char> {
    let literal = match letters.next()? {
        'w' => {
            class.add(is_word);
            return None;
        }
        's' => {
            class.add(is_space);
            return None;
        }
        'S' => {
            class.add(|byte| !is_space(byte));
            class.others = true;
            return None;
        }
        'p' => {
            letters.next();
            class.add_category(letters.next()?);
            letters.next();
            return None;
        }
        'x' => {
            let digits: String = letters.by_ref().take(2).collect();
            char::from(u8::from_str_radix(&digits, 16).ok()?)
        }
        't' => '\t',
        'n' => '\n',
        'r' => '\r',
        other => other,
    };
    class.add(|byte| char::from(byte) == literal);
    Some(literal)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each pattern as its line in the model writes it, texts that match and texts that do not.
    #[test]
    fn patterns_match_whole_texts() {
        let cases: [(&'static str, &[&str], &[&str]); 13] = [
            (r"[\w+]+", &["a", "A_9+"], &["", "a b", "a-", "é"]),
            (r"[\S]+", &["é!", "\u{202e}"], &["", " ", "a\tb"]),
            (
                r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+",
                &["ann@example.org", "é€١"],
                &["", "a b", "a\u{202e}b", "\u{a0}"],
            ),
            (r"[\p{L}\p{Z}\t]+", &["é\u{a0}b\t c"], &["1", "\n"]),
            (
                r"[\w-]+_[0-9a-f-]+",
                &["us-east-1_0f-a", "a_b_c", "-_-"],
                &["_a", "a_", "a_g", "ab", "us-east-1_0F"],
            ),
            (r"[\w-]+_[0-9a-zA-Z]+", &["eu_A1"], &["eu_", "eu_a-", "_a"]),
            (r"[A-Za-z0-9-_=.]+", &["aZ0-_=."], &["a/", "a:"]),
            (r"[\w\s+=,.@-]+", &["a \n+=,.@-"], &["", "a/"]),
            (r"^[0-9a-fA-F]+$", &["0aF"], &["", "g", "^0$"]),
            (r"[\x21\x23-\x5B\x5D-\x7E]+", &["!#[]~"], &["\"", "\\", " "]),
            (r"[\p{L}\s*]*\{####\}[\p{L}\s*]*", &["{####}", "a * {####} b"], &["{###}", "1{####}", ""]),
            (r".*\{####\}.*", &["é {####}!"], &["{####}\n", "####"]),
            (r"Level[1-4]", &["Level1", "Level4"], &["Level5", "Level", "Level11"]),
        ];
        for (pattern, good, bad) in cases {
            let read = Pattern::parse(pattern);
            for text in good {
                assert!(read.matches(text), "{pattern} {text:?}");
            }
            for text in bad {
                assert!(!read.matches(text), "{pattern} {text:?}");
            }
        }
    }

    #[test]
    fn resource_names_are_recognized() {
        let arn = Pattern::parse(r"arn:[\w]+…");
        for good in ["arn:aws:lambda:us-east-1:1:function:f", "arn:aws:iam::1:role/r", "arn:a:b:c:1:d:e:f"] {
            assert!(arn.matches(good), "{good}");
        }
        for bad in [
            "",
            "arn",
            "arn:a:b:c:1",
            "arn:a:b:c::d",
            "arn:a:b:c:x:d",
            "arn:a:b:c:1:d:e:f:g",
            "arn:a:b:c:1:d e",
        ] {
            assert!(!arn.matches(bad), "{bad}");
        }
        assert!(Pattern::parse(r"(arn:…)?").matches(""));
    }
}
