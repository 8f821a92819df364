//! Condenses many cells to few lines: a line joins cells with the same decision by the same rule.

use std::collections::BTreeMap;

use super::cell::{Cell, Risk};
use super::row::{Matrix, Row};
use super::summary::{self, DecisionSummary};
use poolproof_cognito::policy::{Factors, MfaMode, RememberMode, RiskAction};
use poolproof_oracle::{Device, RuleId};

/// The short decision of a cell, and its rule.
pub(super) type CellSummary = (DecisionSummary, RuleId);

/// Pools with the same summaries in all cells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Block {
    pub(super) remember: RememberMode,
    /// One value, or both if the setting changes nothing.
    pub(super) suppress_mfa: Vec<bool>,
    pub(super) mfa: MfaMode,
    pub(super) groups: Vec<CellGroup>,
    risks: Vec<Option<Risk>>,
}

/// Devices and factors with the same summaries at each risk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct CellGroup {
    pub(super) devices: Vec<Device>,
    pub(super) factors: Vec<Factors>,
    /// The summary at each risk of the matrix.
    pub(super) summaries: Vec<CellSummary>,
}

/// One line of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Line {
    pub(super) device: String,
    pub(super) factor: String,
    pub(super) risk: String,
    pub(super) summary: DecisionSummary,
    pub(super) rule: RuleId,
}

/// Returns the risks of a matrix in order.
pub(super) fn risks(matrix: &Matrix) -> Vec<Option<Risk>> {
    let mut risks: Vec<Option<Risk>> = matrix.rows().iter().map(|row| row.cell.risk).collect();
    risks.sort_unstable();
    risks.dedup();
    risks
}

/// Returns the pools of a matrix in order. Two pools share a block if they differ only in `suppress_mfa` and
/// it changes nothing.
pub(super) fn blocks(matrix: &Matrix) -> Vec<Block> {
    let risks = risks(matrix);
    let mut pools: BTreeMap<(RememberMode, MfaMode, bool), Vec<&Row>> = BTreeMap::new();
    for row in matrix.rows() {
        let Cell { remember, mfa, suppress_mfa, .. } = row.cell;
        pools.entry((remember, mfa, suppress_mfa)).or_default().push(row);
    }
    let mut blocks: Vec<Block> = Vec::new();
    for ((remember, mfa, suppress_mfa), rows) in pools {
        let groups = groups(&rows);
        match blocks.last_mut() {
            Some(last) if (last.remember, last.mfa) == (remember, mfa) && last.groups == groups => {
                last.suppress_mfa.push(suppress_mfa);
            }
            _ => {
                let (suppress_mfa, risks) = (vec![suppress_mfa], risks.clone());
                blocks.push(Block { remember, suppress_mfa, mfa, groups, risks });
            }
        }
    }
    blocks
}

/// The factors of a device, grouped by their summaries.
type Parts = Vec<(Vec<Factors>, Vec<CellSummary>)>;

/// Returns the devices and factors of one pool, grouped by their summaries.
fn groups(rows: &[&Row]) -> Vec<CellGroup> {
    let mut cells: BTreeMap<(Device, Factors), Vec<CellSummary>> = BTreeMap::new();
    for row in rows {
        let summary = (DecisionSummary::new(&row.decision), row.rule);
        cells.entry((row.cell.device, row.cell.factor)).or_default().push(summary);
    }
    // Group the factors of each device first, then the devices with the same groups of factors.
    let mut by_device: Vec<(Vec<Device>, Parts)> = Vec::new();
    for device in Device::ALL {
        let mut parts: Parts = Vec::new();
        for ((_, factors), summaries) in cells.iter().filter(|((other, _), _)| *other == device) {
            match parts.iter_mut().find(|(_, same)| same == summaries) {
                Some((set, _)) => set.push(*factors),
                None => parts.push((vec![*factors], summaries.clone())),
            }
        }
        match by_device.iter_mut().find(|(_, same)| *same == parts) {
            Some((devices, _)) => devices.push(device),
            None => by_device.push((vec![device], parts)),
        }
    }
    let of = |(devices, parts): (Vec<Device>, Parts)| {
        parts.into_iter().map(move |(factors, summaries)| {
            let devices = devices.clone();
            CellGroup { devices, factors, summaries }
        })
    };
    by_device.into_iter().flat_map(of).collect()
}

/// Returns the classes of risks (as indexes) at which each of `groups` has the same summary, in order of
/// their first risk.
pub(super) fn classes(groups: &[&CellGroup], risks: usize) -> Vec<Vec<usize>> {
    let column = |risk: usize| groups.iter().map(|group| group.summaries[risk]).collect::<Vec<_>>();
    let mut classes: Vec<Vec<usize>> = Vec::new();
    for risk in 0..risks {
        match classes.iter_mut().find(|class| column(class[0]) == column(risk)) {
            Some(class) => class.push(risk),
            None => classes.push(vec![risk]),
        }
    }
    classes
}

impl Block {
    /// Returns for example `remember always · suppress_mfa true · mfa optional`.
    pub(super) fn title(&self) -> String {
        format!("remember {} · suppress_mfa {} · mfa {}", self.remember, self.suppress_word(), self.mfa)
    }

    /// Returns `true`, `false`, or `true or false`.
    pub(super) fn suppress_word(&self) -> &'static str {
        match self.suppress_mfa[..] {
            [true] => "true",
            [false] => "false",
            _ => "true or false",
        }
    }

    /// Returns the number of cells.
    pub(super) fn cells(&self) -> usize {
        let each: usize = self.groups.iter().map(|group| group.devices.len() * group.factors.len()).sum();
        each * self.risks.len() * self.suppress_mfa.len()
    }

    /// Returns the lines of the block: first the risks at which all groups are the same, then group by group.
    pub(super) fn lines(&self) -> Vec<Line> {
        let all: Vec<usize> = (0..self.risks.len()).collect();
        let (common, rest): (Vec<usize>, Vec<usize>) = all.iter().partition(|&&risk| self.is_common(risk));
        let mut lines = Vec::new();
        if let Some(first) = self.groups.first() {
            lines.extend(self.group_lines(first, &common, "any", "any", false));
        }
        if rest.is_empty() {
            return lines;
        }
        for group in &self.groups {
            let (device, factor) = (summary::devices(&group.devices), summary::factors(&group.factors));
            lines.extend(self.group_lines(group, &rest, &device, &factor, !common.is_empty()));
        }
        lines
    }

    fn is_common(&self, risk: usize) -> bool {
        self.groups.iter().all(|group| group.summaries[risk] == self.groups[0].summaries[risk])
    }

    /// Returns the lines of a group at these risks. `others`: whether the block has other risks too.
    fn group_lines(
        &self,
        group: &CellGroup,
        risks: &[usize],
        device: &str,
        factor: &str,
        others: bool,
    ) -> Vec<Line> {
        let mut classes: Vec<(CellSummary, Vec<Option<Risk>>)> = Vec::new();
        for &risk in risks {
            match classes.iter_mut().find(|(summary, _)| *summary == group.summaries[risk]) {
                Some((_, class)) => class.push(self.risks[risk]),
                None => classes.push((group.summaries[risk], vec![self.risks[risk]])),
            }
        }
        let alone = classes.len() == 1;
        let line = |((summary, rule), class): (CellSummary, Vec<Option<Risk>>)| {
            let risk = risk_words(&class, alone, others);
            Line { device: device.to_owned(), factor: factor.to_owned(), risk, summary, rule }
        };
        classes.into_iter().map(line).collect()
    }
}

/// Returns the name of a class of risks. `alone`: the group has no other class.
fn risk_words(class: &[Option<Risk>], alone: bool, others: bool) -> String {
    let has_none = class.contains(&None);
    // In a class with "none", risks with no_action are not listed.
    let listed = |risk: &Option<Risk>| !(has_none && matches!(risk, Some((_, RiskAction::NoAction))));
    let listed_risks: Vec<Option<Risk>> = class.iter().copied().filter(listed).collect();
    match (has_none, alone, others) {
        (true, true, true) => "any other".to_owned(),
        (true, true, false) => "any".to_owned(),
        (true, false, _) if listed_risks.len() > 1 => "none or other".to_owned(),
        _ => summary::risks(&listed_risks),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn blocks_contain_exactly_the_rows_of_the_matrix() {
        let matrix = Matrix::all();
        let (blocks, risks) = (blocks(&matrix), risks(&matrix));
        assert_eq!(blocks.iter().map(Block::cells).sum::<usize>(), matrix.rows().len());
        for row in matrix.rows() {
            let Cell { remember, suppress_mfa, mfa, factor, device, risk } = row.cell;
            let in_block = |block: &&Block| {
                (block.remember, block.mfa) == (remember, mfa) && block.suppress_mfa.contains(&suppress_mfa)
            };
            let mut groups = blocks.iter().filter(in_block).flat_map(|block| &block.groups);
            let of = |group: &&CellGroup| group.devices.contains(&device) && group.factors.contains(&factor);
            let at = risks.iter().position(|other| *other == risk).unwrap();
            let found: Vec<CellSummary> =
                groups.by_ref().filter(of).map(|group| group.summaries[at]).collect();
            assert_eq!(found, [(DecisionSummary::new(&row.decision), row.rule)], "{}", row.cell);
        }
    }

    #[test]
    fn lines_of_a_block_are_distinct_and_at_most_30() {
        for block in blocks(&Matrix::all()) {
            let lines = block.lines();
            let keys: BTreeSet<_> =
                lines.iter().map(|line| (&line.device, &line.factor, &line.risk)).collect();
            assert_eq!(keys.len(), lines.len(), "{}", block.title());
            assert!(lines.len() <= 30, "{}: {} lines", block.title(), lines.len());
        }
    }
}
