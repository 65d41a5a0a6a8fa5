//! What was measured, next to the least that any program could do.

/// Rows for people.
#[derive(Default)]
pub struct Table(Vec<[String; 4]>);

impl Table {
    /// What was measured beside its floor.
    pub fn row(&mut self, what: &str, figure: f64, floor: f64, unit: &str) {
        let ratio = if floor > 0.0 { format!("{:.2}", figure / floor) } else { "-".to_owned() };
        self.0.push([what.to_owned(), format!("{figure:.3} {unit}"), format!("{floor:.3} {unit}"), ratio]);
    }

    /// What has no floor.
    pub fn alone(&mut self, what: &str, figure: f64, unit: &str) {
        self.0.push([what.to_owned(), format!("{figure:.3} {unit}"), "-".to_owned(), "-".to_owned()]);
    }

    /// Prints it.
    pub fn print(&self) {
        println!("| what | figure | floor | ratio |\n|---|---|---|---|");
        for [what, figure, floor, ratio] in &self.0 {
            println!("| {what} | {figure} | {floor} | {ratio} |");
        }
    }
}

/// The one of so many percent, of times in any order.
pub fn percentile(times: &mut [f64], percent: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    times[(times.len() * percent / 100).min(times.len() - 1)]
}
