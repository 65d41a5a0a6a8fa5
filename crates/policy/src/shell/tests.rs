//! The tables of commands stand with the templates; here is what holds for any text.

use super::*;
use proptest::prelude::*;

fn items(text: &str) -> Vec<Item> {
    let mut hole = 0;
    text.chars()
        .map(|c| match c {
            'V' => {
                hole += 1;
                Item::Hole(hole - 1)
            }
            c => Item::Char(c),
        })
        .collect()
}

proptest! {
    #[test]
    fn every_value_has_a_place_or_a_fault(text in "[aV'\"\\\\$(){}`<>\\[\\]#; |&=!\nE-]{0,60}") {
        let items = items(&text);
        let holes = items.iter().filter(|item| matches!(item, Item::Hole(_))).count();
        let spots = spots(&items);
        prop_assert_eq!(spots.len(), holes);
        let faults = faults(&items, true, &|_| Class::Free);
        for (hole, spot) in spots.iter().enumerate() {
            let told = faults.iter().any(|(known, _)| *known == hole);
            prop_assert!(spot.place.is_some() || told, "{} of {}", hole, text);
        }
    }
}
