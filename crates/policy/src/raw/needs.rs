//! `needs`: what a stage waits for, written shorter than as triggers, and beginning beside others.

use super::{RawCondition, RawConditionKind as Kind, RawPolicy, RawStage, walk};
use crate::read::{At, Many, Number, Short, Text, raw_map};
use tmuxagent_yaml::Problems;

/// Names, or a map that says how many of them.
pub(crate) type RawNeed = Short<Many<Text>, RawNeeds>;

raw_map! {
    /// The stages that one needs.
    RawNeeds, "`needs`", required [], any ["all", "any"], {
        /// All of them; the same as a list alone.
        "all" => all: Many<Text>,
        /// The first of them that succeeds.
        "any" => any: Many<Text>,
    }
}

raw_map! {
    /// What holds of stages of one run that act beside each other.
    RawParallel, "`parallel`", required [], any ["max", "on_failure"], {
        /// How many of them act at the same time; the others wait for their turn. As many as are ready when left out.
        "max" => max: Number,
        /// What the failure of one does to those that are under way: `finish` (when left out) lets them go on to their own end, `cancel` cancels them, as a person who cancels a run does: nothing more is typed for them. The run fails in both cases.
        "on_failure" => on_failure: Text,
    }
}

impl RawNeed {
    /// The names, and whether one of them is enough.
    pub(crate) fn names(&self) -> (&Many<Text>, bool) {
        match self {
            Self::Short(names) => (names, false),
            Self::Full(full) => match (&full.any, &full.all) {
                (Some(names), _) => (names, true),
                (None, Some(names)) => (names, false),
                // That neither was read was told.
                (None, None) => (&NONE, false),
            },
        }
    }
}

/// No names, where none could be read.
static NONE: Many<Text> =
    Many { at: tmuxagent_yaml::Place { source: 0, start: 0, len: 0 }, blank: false, items: Vec::new() };

/// Writes the triggers of stages out that `needs` stands for, so that whatever looks at triggers looks at these too.
pub(crate) fn write_out_needs(raws: &mut [RawPolicy], problems: &mut Problems) {
    let pipelines = raws.iter_mut().flat_map(|raw| raw.pipelines.iter_mut().flatten());
    for stage in pipelines.flat_map(|raw| raw.stages.iter_mut().flat_map(|list| &mut list.items)) {
        let Some(needs) = &stage.needs else { continue };
        check_alone(stage, needs, problems);
        let (names, any) = needs.names();
        let after = |items: Vec<Text>| RawCondition {
            at: items.first().map_or(names.at, |first| first.at),
            value: Kind::AfterStageSuccess(Many { at: names.at, blank: false, items }),
        };
        let one_is_enough = any || names.items.len() == 1;
        stage.triggers = match one_is_enough {
            // That a name is missing is told where `needs` itself is read.
            _ if names.items.is_empty() => None,
            true => Some(after(names.items.clone())),
            false => {
                let items = names.items.iter().map(|name| after(vec![name.clone()])).collect();
                Some(At { at: names.at, value: Kind::AllOf(Many { at: names.at, blank: false, items }) })
            }
        };
    }
}

/// What a stage needs is all that starts it.
fn check_alone(stage: &RawStage, needs: &RawNeed, problems: &mut Problems) {
    if let Short::Full(full) = needs
        && let (Some(_), Some(any)) = (&full.all, &full.any)
    {
        problems.error("twice", any.at, "`needs` has `all` or `any`; keep one").help(BOTH);
    }
    let Some(triggers) = &stage.triggers else { return };
    let mut after = None;
    walk(triggers, &mut |part| {
        if let Kind::AfterStageSuccess(_) | Kind::AfterStageFailure(_) | Kind::AfterStageRejected(_) = &part.value {
            after = after.or(Some(part.at));
        }
    });
    match after {
        Some(at) => {
            let message = "`needs` and `triggers` both say which stages this one follows";
            problems.error("twice", at, message).help(BOTH);
        }
        None => {
            let message = "a stage with `needs` begins when these have succeeded; its `triggers` would start nothing";
            let help =
                "take `triggers` out, or write the stages as `after_stage_success` within one `all_of` of `triggers`";
            problems.error("twice", triggers.at, message).help(help);
        }
    }
}

const BOTH: &str = "write all of it into `triggers`: `triggers: {all_of: [{after_stage_success: a}, {any_of: […]}]}`, or keep `needs` alone";
