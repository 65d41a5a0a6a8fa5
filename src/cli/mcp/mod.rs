//! `tmuxagent mcp`: a server of the Model Context Protocol on standard input and output, for agents that ask, report and wait.
//!
//! **Invariants:** no tool decides anything: what is asked over such a connection is a question, a report or the start of a
//! pipeline, and the supervisor takes nothing else from it. Each call has a connection of its own, so the server outlives
//! every supervisor; who asks the supervisor reads off from the processes, never from what is said here.

mod ask;
mod frames;
mod tools;

use super::{CliError, Outcome, Session, exit};
use clap::Args;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, ServerHandler, ServiceExt as _};
use std::sync::Arc;
use std::time::Duration;
use tmuxagent_text::{Lang, clean};

/// The agent's own settings start it, for example: claude mcp add tmuxagent -- tmuxagent mcp
#[derive(Debug, Args)]
pub(super) struct McpArgs {}

/// Between client and server, bytes.
const BUFFER: usize = 64 * 1024;
/// How long answers may take to go out at the end.
const LAST_WORDS: Duration = Duration::from_secs(1);

const TOOLS: &str = include_str!("../../../assets/mcp/tools.json");
const INSTRUCTIONS: &str = include_str!("../../../assets/mcp/instructions.txt");

/// Serves until its input ends.
pub(super) fn run(mut session: Session) -> Outcome {
    // Agents are told in one language, whatever their person reads.
    session.out.lang = Lang::En;
    let tools: Vec<Tool> = serde_json::from_str(TOOLS).map_err(CliError::internal)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::internal)?;
    let server = Server { session: Arc::new(session), tools: Arc::new(tools) };
    runtime.block_on(async {
        let (transport, client) = tokio::io::duplex(BUFFER);
        let (from_server, to_server) = tokio::io::split(client);
        let (errors, told) = tokio::sync::mpsc::channel(1);
        let reading = tokio::spawn(frames::read(tokio::io::stdin(), to_server, errors));
        let writing = tokio::spawn(frames::write(from_server, tokio::io::stdout(), told));
        if let Ok(serving) = server.serve(transport).await {
            // Its end is the client's: there is nobody left to be told how it went.
            let _ = serving.waiting().await;
        }
        // What was answered goes out before the end, unless nobody reads it.
        let _ = tokio::time::timeout(LAST_WORDS, writing).await;
        reading.abort();
    });
    // A call that still waits for an answer waits for nobody; its connection ends with this process.
    runtime.shutdown_background();
    Ok(exit::OK)
}

#[derive(Clone)]
struct Server {
    session: Arc<Session>,
    tools: Arc<Vec<Tool>>,
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("tmuxagent", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS.trim())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.as_ref().clone()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let session = Arc::clone(&self.session);
        let arguments = serde_json::Value::Object(request.arguments.unwrap_or_default());
        let called = tokio::task::spawn_blocking(move || {
            tools::call(&session, &request.name, arguments, &|| context.ct.is_cancelled())
        });
        let answered = called.await.map_err(CliError::internal).and_then(|answer| answer);
        Ok(match answered {
            Ok(value) => CallToolResult::structured(value).into(),
            Err(error) => {
                let text: Vec<String> = std::iter::once(error.text()).chain(error.hints()).collect();
                CallToolResult::error(vec![ContentBlock::text(clean(&text.join("; ")))]).into()
            }
        })
    }
}
