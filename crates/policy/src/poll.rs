//! What is asked outside until it ends.

use super::policy::TextTemplate;
use tmuxagent_model::Millis;

/// A poll and its rhythm.
#[derive(Debug, Clone)]
pub struct PollTest {
    /// What is asked.
    pub what: PollWhat,
    /// The time between questions, at least one second.
    pub interval: Millis,
    /// The attempt fails when it has not ended by then; counted from the start of the attempt.
    pub deadline: Option<Millis>,
}

/// A service that builds and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CiService {
    /// GitHub Actions.
    Github,
    /// GitLab.
    Gitlab,
    /// Gitea and Forgejo.
    Gitea,
}

impl CiService {
    /// Its key in a `poll`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Github => "github_run",
            Self::Gitlab => "gitlab_pipeline",
            Self::Gitea => "gitea_run",
        }
    }
}

/// Which run of a service is asked about.
#[derive(Debug, Clone)]
pub struct CiTest {
    /// The service.
    pub service: CiService,
    /// The repository as `owner/name`; of GitLab the path of the project, or its number.
    pub repository: TextTemplate,
    /// The workflow's file name or number, or the pipeline's name.
    pub workflow: Option<String>,
    /// Branch or tag.
    pub reference: Option<TextTemplate>,
    /// The commit.
    pub commit: Option<CiCommit>,
    /// The API's base URL.
    pub base_url: String,
    /// The environment variable that holds the token.
    pub token_env: String,
}

/// Which commit a run is for.
#[derive(Debug, Clone)]
pub enum CiCommit {
    /// The one that the folder of the stage's pane stands at.
    Head,
    /// This one.
    Named(TextTemplate),
}

/// What a poll asks; templates are filled when the stage starts.
#[derive(Debug, Clone)]
pub enum PollWhat {
    /// A run of a service that builds and tests.
    Ci(Box<CiTest>),
    /// A web address.
    Http {
        /// Where it is asked, by GET.
        url: TextTemplate,
        /// The HTTP status at which it is met.
        status: u16,
        /// RFC 6901 pointer.
        pointer: Option<String>,
        /// What the JSON pointer has to lead to; the status alone decides when `None`.
        value: Option<serde_json::Value>,
    },
    /// A file or folder on the pane's host.
    File {
        /// Where it is; a relative path begins at the pane's folder.
        path: TextTemplate,
        /// It must change or appear; otherwise it only has to be there.
        changed: bool,
    },
    /// A command on the pane's host: 0 = done, 75 = not yet.
    Command {
        /// What `sh -c` runs.
        script: TextTemplate,
        /// Its time limit.
        timeout: Millis,
    },
}
