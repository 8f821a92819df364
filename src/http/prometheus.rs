//! Metrics in Prometheus text format (version 0.0.4).

use std::fmt::{Display, Write as _};

/// The content type of a metrics page.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4";

/// The type of a metric.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MetricKind {
    /// A value that only grows.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// Quantiles of a distribution.
    Summary,
}

impl MetricKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Summary => "summary",
        }
    }
}

/// A page of metrics, each with its name and its text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MetricsPage(Vec<(&'static str, String)>);

impl MetricsPage {
    /// Starts a metric, or continues the one of this name; its samples follow.
    pub fn metric(&mut self, name: &'static str, kind: MetricKind, help: &str) -> Samples<'_> {
        let at = self.0.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            self.0.push((name, format!("# HELP {name} {help}\n# TYPE {name} {}\n", kind.as_str())));
            self.0.len() - 1
        });
        Samples { text: &mut self.0[at].1, name }
    }

    /// Returns the text.
    pub fn into_text(self) -> String {
        self.0.into_iter().map(|(_, text)| text).collect()
    }
}

/// The samples of one metric.
#[derive(Debug)]
pub struct Samples<'p> {
    text: &'p mut String,
    name: &'static str,
}

impl Samples<'_> {
    /// Adds a sample with these labels; label values are escaped.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        let text = &mut *self.text;
        text.push_str(self.name);
        for (number, (label, label_value)) in labels.iter().enumerate() {
            let _ = write!(text, "{}{label}=\"", if number == 0 { '{' } else { ',' });
            for character in label_value.chars() {
                match character {
                    '\\' | '"' => text.extend(['\\', character]),
                    '\n' => text.push_str("\\n"),
                    _ => text.push(character),
                }
            }
            text.push('"');
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(text, "{end} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_with_any_text_stay_on_one_line() {
        let mut page = MetricsPage::default();
        page.metric("a_total", MetricKind::Counter, "As.").sample(&[], 1);
        let mut samples = page.metric("b", MetricKind::Gauge, "Bs.");
        samples.sample(&[("x", "a\"b\\c\nd"), ("y", "ü}")], 0.5);
        samples.sample(&[("x", "")], 2);
        page.metric("a_total", MetricKind::Counter, "As.").sample(&[("x", "1")], 3);
        let expected = "# HELP a_total As.\n# TYPE a_total counter\na_total 1\na_total{x=\"1\"} 3\n# HELP b Bs.\n# TYPE b gauge\n\
                    b{x=\"a\\\"b\\\\c\\nd\",y=\"ü}\"} 0.5\nb{x=\"\"} 2\n";
        assert_eq!(page.into_text(), expected);
    }
}
