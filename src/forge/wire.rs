//! What the clients of servers do alike: keep to a pace, wait for limits, try again, read page by page.
//!
//! Which headers name a limit, which route is asked, and what an answer means is each forge's own knowledge.

mod halving;
mod pace;
mod pages;
mod text;
mod time;

pub(super) use halving::{Page, Pages, read_all};
pub(super) use pace::{Budgets, Refused, Writes, back_off};
pub(super) use pages::PageInfo;
pub(super) use text::one_line;
pub(super) use time::server_time;
