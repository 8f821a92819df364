//! Many cells in few lines: what leads to the same decision by the same rule is told together, and nothing else is.

use std::collections::BTreeMap;

use super::cell::{Cell, Risk};
use super::row::{Matrix, Row};
use super::summary::{self, DecisionSummary};
use poolproof_cognito::policy::{Factors, MfaMode, RememberMode, RiskAction};
use poolproof_oracle::{Device, RuleId};

/// What is told of a cell: the decision's gist, and the rule behind it.
pub(super) type CellSummary = (DecisionSummary, RuleId);

/// Pools whose cells are all told alike.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Block {
    pub(super) remember: RememberMode,
    /// One value, or both where it changes nothing.
    pub(super) suppress_mfa: Vec<bool>,
    pub(super) mfa: MfaMode,
    pub(super) groups: Vec<CellGroup>,
    risks: Vec<Option<Risk>>,
}

/// Devices and factors whose cells are all told alike, risk by risk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct CellGroup {
    pub(super) devices: Vec<Device>,
    pub(super) factors: Vec<Factors>,
    /// What is told at each risk of the matrix.
    pub(super) told: Vec<CellSummary>,
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

/// The risks of a matrix, in its order.
pub(super) fn risks(matrix: &Matrix) -> Vec<Option<Risk>> {
    let mut risks: Vec<Option<Risk>> = matrix.rows().iter().map(|row| row.cell.risk).collect();
    risks.sort_unstable();
    risks.dedup();
    risks
}

/// The pools of a matrix in its order; two that differ in nothing but `suppress_mfa` are one where it changes nothing.
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

/// The factors of a device, those together that are told alike.
type Parts = Vec<(Vec<Factors>, Vec<CellSummary>)>;

/// The devices and factors of one pool, those together that are told alike.
fn groups(rows: &[&Row]) -> Vec<CellGroup> {
    let mut cells: BTreeMap<(Device, Factors), Vec<CellSummary>> = BTreeMap::new();
    for row in rows {
        let told = (DecisionSummary::of(&row.decision), row.rule);
        cells.entry((row.cell.device, row.cell.factor)).or_default().push(told);
    }
    // First the factors of each device, then the devices whose factors fall apart in the same way.
    let mut by_device: Vec<(Vec<Device>, Parts)> = Vec::new();
    for device in Device::ALL {
        let mut parts: Parts = Vec::new();
        for ((_, factors), told) in cells.iter().filter(|((other, _), _)| *other == device) {
            match parts.iter_mut().find(|(_, same)| same == told) {
                Some((set, _)) => set.push(*factors),
                None => parts.push((vec![*factors], told.clone())),
            }
        }
        match by_device.iter_mut().find(|(_, same)| *same == parts) {
            Some((devices, _)) => devices.push(device),
            None => by_device.push((vec![device], parts)),
        }
    }
    let of = |(devices, parts): (Vec<Device>, Parts)| {
        parts.into_iter().map(move |(factors, told)| CellGroup { devices: devices.clone(), factors, told })
    };
    by_device.into_iter().flat_map(of).collect()
}

/// Neighbouring or not: risks at which all `groups` are told alike, in the order of the first of each.
pub(super) fn classes(groups: &[&CellGroup], risks: usize) -> Vec<Vec<usize>> {
    let column = |risk: usize| groups.iter().map(|group| group.told[risk]).collect::<Vec<_>>();
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
    /// `remember always · suppress_mfa true · mfa optional`
    pub(super) fn title(&self) -> String {
        format!("remember {} · suppress_mfa {} · mfa {}", self.remember, self.suppress_word(), self.mfa)
    }

    /// `true`, `false`, or both.
    pub(super) fn suppress_word(&self) -> &'static str {
        match self.suppress_mfa[..] {
            [true] => "true",
            [false] => "false",
            _ => "true or false",
        }
    }

    /// How many cells the block is about.
    pub(super) fn cells(&self) -> usize {
        let each: usize = self.groups.iter().map(|group| group.devices.len() * group.factors.len()).sum();
        each * self.risks.len() * self.suppress_mfa.len()
    }

    /// The block as lines: first the risks that are the same for everyone, then group by group.
    pub(super) fn lines(&self) -> Vec<Line> {
        let all: Vec<usize> = (0..self.risks.len()).collect();
        let (common, rest): (Vec<usize>, Vec<usize>) = all.iter().partition(|&&risk| self.is_common(risk));
        let mut lines = Vec::new();
        if let Some(first) = self.groups.first() {
            lines.extend(self.told(first, &common, "any", "any", false));
        }
        if rest.is_empty() {
            return lines;
        }
        for group in &self.groups {
            let (device, factor) = (summary::devices(&group.devices), summary::factors(&group.factors));
            lines.extend(self.told(group, &rest, &device, &factor, !common.is_empty()));
        }
        lines
    }

    fn is_common(&self, risk: usize) -> bool {
        self.groups.iter().all(|group| group.told[risk] == self.groups[0].told[risk])
    }

    /// The lines of a group at these risks. `others`: whether there are risks besides these.
    fn told(
        &self,
        group: &CellGroup,
        risks: &[usize],
        device: &str,
        factor: &str,
        others: bool,
    ) -> Vec<Line> {
        let mut classes: Vec<(CellSummary, Vec<Option<Risk>>)> = Vec::new();
        for &risk in risks {
            match classes.iter_mut().find(|(told, _)| *told == group.told[risk]) {
                Some((_, class)) => class.push(self.risks[risk]),
                None => classes.push((group.told[risk], vec![self.risks[risk]])),
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

/// The words for a class of risks.
fn risk_words(class: &[Option<Risk>], alone: bool, others: bool) -> String {
    let listed_risks: Vec<Option<Risk>> = match class.contains(&None) {
        true => {
            class.iter().copied().filter(|risk| !matches!(risk, Some((_, RiskAction::NoAction)))).collect()
        }
        false => class.to_vec(),
    };
    match (class.contains(&None), alone, others) {
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
    fn condensing_loses_nothing_and_invents_nothing() {
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
            let told: Vec<CellSummary> = groups.by_ref().filter(of).map(|group| group.told[at]).collect();
            assert_eq!(told, [(DecisionSummary::of(&row.decision), row.rule)], "{}", row.cell);
        }
    }

    #[test]
    fn no_two_lines_of_a_pool_are_about_the_same_and_no_pool_takes_more_than_a_screen() {
        for block in blocks(&Matrix::all()) {
            let lines = block.lines();
            let about: BTreeSet<_> =
                lines.iter().map(|line| (&line.device, &line.factor, &line.risk)).collect();
            assert_eq!(about.len(), lines.len(), "{}", block.title());
            assert!(lines.len() <= 24, "{}: {} lines", block.title(), lines.len());
        }
    }
}
