//! What is asked of the world outside the pane's output, and words by which output is guessed at.

use crate::read::{Json, Many, Number, Short, Span, SpanMs, Text, raw_map};

raw_map! {
    /// Something outside that is asked until it ends. One of `github_run`, `gitlab_pipeline`, `gitea_run`, `http`, `command`.
    RawPoll, "`poll`", required [], any [], {
        /// A workflow run of GitHub Actions: the newest since the stage started, or of a commit, until it is completed.
        "github_run" => github_run: RawGithubRun,
        /// A pipeline of GitLab: the newest since the stage started, or of a commit, until it has ended.
        "gitlab_pipeline" => gitlab_pipeline: RawGitlabPipeline,
        /// A workflow run of Gitea or Forgejo: the newest since the stage started, or of a commit, until it has ended.
        "gitea_run" => gitea_run: RawGiteaRun,
        /// A web address.
        "http" => http: Short<Text, RawHttp>,
        /// A shell command on the pane's host: exit code 0 = done, 75 = not yet, any other = failed.
        "command" => command: Short<Text, RawPollCommand>,
        /// The time between questions.
        "interval" => interval: Span,
        /// The time between questions in milliseconds.
        "interval_ms" => interval_ms: SpanMs,
        /// The time between questions in milliseconds.
        "poll_interval_ms" => poll_interval_ms: SpanMs,
        /// The attempt fails when it has not ended by then.
        "deadline" => deadline: Span,
        /// The attempt fails when it has not ended by then, in milliseconds.
        "deadline_ms" => deadline_ms: SpanMs,
    }
}

raw_map! {
    /// A workflow run of GitHub Actions.
    RawGithubRun, "`github_run`", required ["repository"], any [], {
        /// `owner/name`.
        "repository" => repository: Text,
        /// The workflow's file name or number. It may be left out beside `commit`: then the newest run of each workflow counts, and all must succeed.
        "workflow" => workflow: Text,
        /// Branch or tag; any when left out.
        "ref" => reference: Text,
        /// The commit, or `head`: the one that the folder of the stage's pane stands at whenever it is asked. Then runs from before the stage count too.
        "commit" => commit: Text,
        /// The API's base URL, for GitHub Enterprise.
        "base_url" => base_url: Text,
        /// The environment variable that holds the token; `GITHUB_TOKEN` when left out.
        "token_env" => token_env: Text,
    }
}

raw_map! {
    /// A pipeline of GitLab.
    RawGitlabPipeline, "`gitlab_pipeline`", required ["project"], any [], {
        /// The path of the project, `group/name`, or its number.
        "project" => project: Text,
        /// The pipeline's name (`workflow: name`); any when left out.
        "name" => name: Text,
        /// Branch or tag; any when left out.
        "ref" => reference: Text,
        /// The commit, or `head`: the one that the folder of the stage's pane stands at whenever it is asked. Then pipelines from before the stage count too.
        "commit" => commit: Text,
        /// The API's base URL, for an installation of one's own.
        "base_url" => base_url: Text,
        /// The environment variable that holds the token.
        "token_env" => token_env: Text,
    }
}

raw_map! {
    /// A workflow run of Gitea or Forgejo.
    RawGiteaRun, "`gitea_run`", required ["repository", "base_url"], any [], {
        /// `owner/name`.
        "repository" => repository: Text,
        /// The workflow's file name; any when left out. Beside `commit` the newest run of each workflow counts then, and all must succeed.
        "workflow" => workflow: Text,
        /// Branch or tag; any when left out.
        "ref" => reference: Text,
        /// The commit, or `head`: the one that the folder of the stage's pane stands at whenever it is asked. Then runs from before the stage count too.
        "commit" => commit: Text,
        /// The API's base URL, such as `https://codeberg.org/api/v1`.
        "base_url" => base_url: Text,
        /// The environment variable that holds the token.
        "token_env" => token_env: Text,
    }
}

raw_map! {
    /// A web address that is asked.
    RawHttp, "`http`", required ["url"], any [], {
        /// The URL.
        "url" => url: Text,
        /// The status that means yes; 200 when left out.
        "status" => status: Number,
        /// A JSON pointer into the answer, such as `/status`.
        "json_pointer" => pointer: Text,
        /// The value expected there.
        "value" => value: Json,
    }
}

raw_map! {
    /// A command that is asked.
    RawPollCommand, "`command`", required ["script"], any [], {
        /// The shell script.
        "script" => script: Text,
        /// Its time limit.
        "timeout" => timeout: Span,
        /// Its time limit in milliseconds.
        "timeout_ms" => timeout_ms: SpanMs,
    }
}

raw_map! {
    /// A file or folder that is looked for.
    RawFile, "a file", required ["path"], any [], {
        /// Its path.
        "path" => path: Text,
        /// The time between looks.
        "interval" => interval: Span,
    }
}

raw_map! {
    /// What a line looks like.
    RawLooksLike, "`looks_like`", required ["outcome"], any [], {
        /// `error` or `success`.
        "outcome" => outcome: Text,
        /// The tool whose words count beside those of `any`.
        "tool" => tool: Text,
    }
}

raw_map! {
    /// The words of a tool. A word counts where it stands by itself, large or small; `/…/` is a regular expression.
    RawWords, "the words of a tool", required [], any ["error", "success", "not"], {
        /// What an error looks like.
        "error" => error: Many<Text>,
        /// What a success looks like.
        "success" => success: Many<Text>,
        /// What is neither.
        "not" => not: Many<Text>,
    }
}

raw_map! {
    /// The end of a stage of another pipeline.
    RawAfter, "`after`", required ["pipeline", "stage"], any [], {
        /// The pipeline.
        "pipeline" => pipeline: Text,
        /// Its stage.
        "stage" => stage: Text,
        /// How it ended: `succeeded` (when left out), `failed`, `skipped`, `rejected`, `cancelled`; several in a list.
        "ended" => ended: Many<Text>,
    }
}
