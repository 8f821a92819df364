//! Finds the lines of a scenario's file that belong to thresholds and rules, for annotations in CI.

use super::Report;
use crate::scenario::{self, Segment};

impl Report {
    /// Returns the line of a threshold by its index.
    pub(super) fn threshold_line(&self, index: usize) -> usize {
        let thresholds = Segment::from("thresholds");
        self.first_line(&[vec![thresholds.clone(), index.into()], vec![thresholds]])
    }

    /// Returns the line of the key behind the first mismatch of a rule: the kind of the sign-in in `mix`, or
    /// the setting that the rule is about.
    pub(super) fn rule_line(&self, rule: &str) -> usize {
        let mismatch = self.decisions.mismatches.iter().find(|mismatch| mismatch.rule == rule);
        let intent = mismatch.map_or("", |mismatch| mismatch.intent.as_str());
        let workload = self.workload_path(mismatch.map_or("", |mismatch| mismatch.workload.as_str()));
        let in_workload = |keys: &[&str]| path(&workload, keys);
        let mix = in_workload(&["mix", intent]);
        let ordinary = matches!(intent, "known_device" | "new_device");
        let mut paths = Vec::new();
        if !ordinary {
            paths.push(mix.clone());
        }
        let settings: &[&[&str]] = match rule {
            _ if rule.starts_with("address") => &[&["pool", "risk"]],
            _ if rule.starts_with("risk") || rule.starts_with("note") => &[&["pool", "risk"]],
            _ if rule.starts_with("compromised") || rule.starts_with("reset") => {
                &[&["population", "compromised"], &["pool", "risk"]]
            }
            _ if rule.contains("suppress") => &[&["pool", "suppress_mfa"], &["pool", "mfa"]],
            _ if rule.contains("mfa") => &[&["pool", "mfa"]],
            _ => &[],
        };
        if rule.starts_with("risk") || rule.starts_with("note") {
            paths.push(in_workload(&["risk"]));
        }
        paths.extend(settings.iter().map(|keys| path(&[], keys)));
        paths.extend([mix, in_workload(&["mix"]), path(&[], &["pool", "remember"]), workload]);
        self.first_line(&paths)
    }

    /// Returns the path of a workload by its name.
    fn workload_path(&self, name: &str) -> Vec<Segment> {
        let index = self.workloads.iter().position(|workload| workload.name == name);
        match index {
            Some(index) => vec!["workloads".into(), index.into()],
            None => {
                let single = vec!["workload".into()];
                let has_single = scenario::line_of(&self.scenario.yaml, std::slice::from_ref(&single));
                if has_single.is_some() { single } else { vec!["workloads".into(), 0.into()] }
            }
        }
    }

    fn first_line(&self, paths: &[Vec<Segment>]) -> usize {
        scenario::line_of(&self.scenario.yaml, paths).unwrap_or(1)
    }
}

fn path(base: &[Segment], keys: &[&str]) -> Vec<Segment> {
    base.iter().cloned().chain(keys.iter().map(|key| Segment::from(*key))).collect()
}
