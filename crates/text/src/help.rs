//! The Chinese of the command line's help, looked up by its English text.
//!
//! A lookup by text keeps each subcommand's words in one place, beside its arguments; a test walks the whole
//! definition and names every text that has no translation here.

mod away;

use super::help_service::SERVICE;

/// The Chinese of a help text, if there is one.
#[must_use]
pub fn help_text(english: &str) -> Option<&'static str> {
    TEXTS.iter().chain(away::TEXTS).chain(SERVICE).find(|(known, _)| *known == english).map(|(_, chinese)| *chinese)
}

const TEXTS: &[(&str, &str)] = &[
    (
        "Write it to this file, which only you can read, instead of printing it",
        "写入此文件（仅您可读），而不是输出到屏幕",
    ),
    // The program and its options.
    (
        "The control room for AI agents and pipelines that work in tmux. Without a subcommand the main screen opens",
        "tmux 中 AI 智能体与流水线的控制室。不带子命令时打开主界面",
    ),
    (
        "Exit codes: 0 done; 1 the answer is no, or warnings; 2 wrong use, configuration or policy; 3 no supervisor \
         runs; 4 not found; 5 decided before or changed; 6 refused now; 7 not certain: done or not, look; 70 our fault; \
         71 no memory or threads left.",
        "退出码：0 完成；1 答案为否，或有警告；2 用法、配置或策略有误；3 没有监督进程；4 未找到；5 已有决定或已改变；6 现在被拒绝；7 不确定是否已执行，请查看；70 程序自身的错误；71 系统已无可用的内存或线程。",
    ),
    (
        "Watch without a screen, until SIGTERM or `tmuxagent shutdown`",
        "不带界面运行，直到 SIGTERM 或 `tmuxagent shutdown`",
    ),
    ("Seconds that it thinks before the first step", "第一步之前思考的秒数"),
    ("Print help", "显示帮助"),
    ("Print help (see more with '--help')", "显示帮助（`--help` 更详细）"),
    ("Print version", "显示版本"),
    ("Print this message or the help of the given subcommand(s)", "显示本帮助或某个子命令的帮助"),
    ("The configuration file", "配置文件"),
    ("A policy file or a folder of them; may be given several times", "策略文件或其文件夹；可多次给出"),
    (
        "The folder of state, lock and socket; another one is another supervisor",
        "存放状态、锁与套接字的文件夹；不同的文件夹对应不同的监督进程",
    ),
    (
        "The tmux server of this machine: a name as for `tmux -L`, or a path as for `tmux -S`",
        "本机的 tmux 服务器：如 `tmux -L` 的名字，或如 `tmux -S` 的路径",
    ),
    ("The language of what people read: en or zh", "界面语言：en 或 zh"),
    ("Print JSON", "输出 JSON"),
    (
        "When to use colours: auto, always or never; NO_COLOR is honoured",
        "何时使用颜色：auto、always 或 never；遵从 NO_COLOR",
    ),
    // Rules that answer, and leases.
    (
        "List the leases: what agents may run for a time without being asked about",
        "列出限时授权：智能体在一段时间内可不经询问运行的命令",
    ),
    ("End leases", "结束限时授权"),
    ("End a lease before its time", "提前结束一个限时授权"),
    ("The lease, as `tmuxagent leases` names it", "限时授权，如 `tmuxagent leases` 所列"),
    ("All of them", "全部"),
    (
        "Tell what the rules of `auto_answers` would answer, and make rules",
        "说明 `auto_answers` 的规则会回答什么，并生成规则",
    ),
    ("Tell which rules would answer a command, part by part", "逐部分说明哪些规则会回答一条命令"),
    (
        "Tell what the rules would have answered of what was asked, and where you decided otherwise",
        "说明规则会回答过去的哪些提问，以及您在哪里另有决定",
    ),
    ("Print a rule made from an approval", "打印由一个审批生成的规则"),
    (
        "Agent, pane and folder of a rule are not looked at. Exit codes: 0 a rule answers, 1 a person is asked",
        "不看规则的智能体、窗格和文件夹。退出码：0 有规则回答，1 会询问人",
    ),
    (
        "The command as an agent would show it; in quotes where it has signs of the shell",
        "命令，如智能体所显示；含 shell 符号时请加引号",
    ),
    (
        "Limits are not counted. Exit codes: 0 nothing that you decided otherwise, 1 something",
        "不计次数上限。退出码：0 没有您另有决定的，1 有",
    ),
    (
        "Only what was asked since then: so long ago (`7d`), a time of today (`08:30`), or a date and time",
        "只看此后的提问：多久以前（`7d`）、今天的时刻（`08:30`），或日期加时间",
    ),
    ("The approval's identity or a unique beginning of it", "审批的标识或其唯一开头"),
    (
        "Give a lease too: for so long what the agent asks of that kind in this pane is approved without asking",
        "同时给出限时授权：在此时长内，该窗格中智能体的同类请求不再询问即批准",
    ),
    // What is watched.
    ("Whether a supervisor runs, what it watches and what fails", "监督进程是否在运行、在看什么、有什么故障"),
    ("List the watched panes", "列出受监视的窗格"),
    (
        "Only this pane: `%3`, `host:%3`, `session:window.pane`, or the window's name",
        "只看这个窗格：`%3`、`host:%3`、`session:window.pane` 或窗口名",
    ),
    ("The pipelines' runs with their stages instead", "改为列出流水线的运行及其阶段"),
    ("Print the journal's events", "输出日志中的事件"),
    (
        "Tell what happened in the last days: runs, stages, waits, failures, agents",
        "说明最近几天发生了什么：运行、阶段、等待、失败、智能体",
    ),
    (
        "Needs no running supervisor. With --json the report as JSON.",
        "不需要运行中的监督进程。加 --json 时以 JSON 输出。",
    ),
    (
        "What happened since then: so long ago (`7d`), a time of today (`08:30`), or a date and time",
        "自何时起：多久以前（`7d`）、今天的时刻（`08:30`），或日期和时间",
    ),
    ("And before then; now unless said", "到何时为止；默认为现在"),
    ("The form", "形式"),
    ("Into this file instead of standard output", "写入此文件，而不是标准输出"),
    ("Send a summary to the channels that messages are routed to", "把摘要发到消息所路由的通道"),
    ("Send it to this channel; may be repeated", "发到此通道；可多次给出"),
    ("Tables for the terminal", "终端里的表格"),
    ("Markdown", "Markdown"),
    ("One HTML file with charts", "一个带图表的 HTML 文件"),
    ("JSON", "JSON"),
    ("Stay and print new ones", "停留并持续输出新事件"),
    ("Only events with a number above this", "只要编号大于此数的事件"),
    ("At most so many, the newest", "最多这么多条，取最新的"),
    ("Tell why each stage is in its state and what it waits for", "说明每个阶段为何处于现状、在等什么"),
    (
        "A pane (`%3`, `host:%3`, `session:window.pane`) or a run (`#12`)",
        "窗格（`%3`、`host:%3`、`session:window.pane`）或运行（`#12`）",
    ),
    // Agents.
    (
        "Tell what the agents in panes are doing, and test how they are recognised",
        "说明窗格里的智能体在做什么，测试如何识别它们",
    ),
    ("Tell what the agent in a pane is doing, and on what evidence", "说明窗格里的智能体在做什么，以及依据"),
    (
        "Looks at the pane now: its processes, the agent's own file, its screen. Exit code 1: no agent runs there, or what \
         it does is not certain",
        "现在查看窗格：其进程、智能体自身的文件、屏幕。退出码 1：没有智能体在运行，或其状态不确定",
    ),
    ("List the agents that are recognised, and the files that say how", "列出可识别的智能体及其识别文件"),
    (
        "Save the screen of a pane without secrets, to test recognisers with it",
        "保存窗格的屏幕（去除机密），用来测试识别",
    ),
    (
        "Writes NAME.txt and NAME.ansi. Begin the name with the state that it shows, such as needs_approval-2, and `agent \
         test` knows what to expect",
        "写入 NAME.txt 与 NAME.ansi。名字以所显示的状态开头（如 needs_approval-2），`agent test` 便知道应读作什么",
    ),
    ("Read saved screens, and say where they are read wrong", "读取保存的屏幕，指出读错之处"),
    (
        "A screen is NAME.txt (as `capture-pane -p` prints it) or NAME.ansi (with `-e`). Its state stands in the folder's \
         screens.yaml, or else its name begins with it. Exit code 1: some are read wrong",
        "屏幕是 NAME.txt（即 `capture-pane -p` 的输出）或 NAME.ansi（加 `-e`）。其状态写在文件夹的 screens.yaml 中，否则由名字开头表示。退出码 1：有读错的",
    ),
    (
        "A pane of this machine: `%3`, `session:window.pane`, or the window's name",
        "本机的窗格：`%3`、`session:window.pane` 或窗口名",
    ),
    ("The name of the new files, without ending", "新文件的名字，不带后缀"),
    ("The folder for them", "存放它们的文件夹"),
    ("A folder of saved screens, or one of such folders", "存放屏幕的文件夹，或由这类文件夹组成的文件夹"),
    (
        "The agent whose screens they are, where screens.yaml does not say",
        "屏幕所属的智能体，当 screens.yaml 没有说明时",
    ),
    (
        "Have agents tell by hooks what they do: install, uninstall, status",
        "让智能体通过钩子报告自己在做什么：install、uninstall、status",
    ),
    ("Tell the supervisor what an agent does; its hooks call this", "向监督进程报告智能体在做什么；由智能体的钩子调用"),
    (
        "Reads the event's JSON from standard input. Its exit code is always 0, and it prints nothing but the answer to a question that it waited for",
        "从标准输入读取事件的 JSON。退出码始终为 0；除了所等待的问题的回答之外，不输出任何内容",
    ),
    ("The event, by the agent's own name, such as UserPromptSubmit", "事件，用智能体自己的名称，例如 UserPromptSubmit"),
    ("Have agents tell what they do, by hooks in their own settings", "通过智能体自身设置中的钩子，让它们报告在做什么"),
    ("Take these hooks out of the agents' settings again", "从智能体的设置中移除这些钩子"),
    ("Tell whether the hooks are there", "说明钩子是否已安装"),
    ("Tells `hooks` that this command is its own", "让 `hooks` 认出这条命令是自己的"),
    (
        "What will change is shown first, and a copy of the file is kept beside it. Nothing else of the file is changed",
        "先显示将要修改的内容，并在旁边保留原文件的副本。文件的其他内容不变",
    ),
    (
        "Exit code 1: they are not there, or not all, or of another place of this program",
        "退出码 1：未安装、不完整，或指向本程序的另一个位置",
    ),
    ("Only this agent; all whose folder is there when left out", "只处理这个智能体；省略时处理所有已有文件夹的智能体"),
    ("Do not ask", "不询问"),
    (
        "Serve tools to an agent by the Model Context Protocol: ask, report, wait, start",
        "通过 Model Context Protocol 为智能体提供工具：提问、报告、等待、启动",
    ),
    (
        "The agent's own settings start it, for example: claude mcp add tmuxagent -- tmuxagent mcp",
        "由智能体自身的设置启动，例如：claude mcp add tmuxagent -- tmuxagent mcp",
    ),
    (
        "Print what an agent has to know to report, for AGENTS.md or CLAUDE.md",
        "输出智能体报告所需了解的内容，用于 AGENTS.md 或 CLAUDE.md",
    ),
    (
        "To be put into AGENTS.md, CLAUDE.md or what else an agent reads at its start",
        "放入 AGENTS.md、CLAUDE.md 或智能体启动时读取的其他文件",
    ),
    ("Claude Code: settings.json in its folder", "Claude Code：其文件夹中的 settings.json"),
    ("Codex: hooks.json in its folder", "Codex：其文件夹中的 hooks.json"),
    // Decisions.
    ("List the approvals", "列出审批"),
    (
        "Only this one, whole, also when it is closed: its identity, or a unique beginning of it",
        "只看这一个的全部内容（已结束的也可以）：其标识或唯一的开头",
    ),
    ("The last closed ones as well", "也列出最近结束的"),
    ("Approve what is asked", "批准所请求的事"),
    ("Reject what is asked", "拒绝所请求的事"),
    (
        "The approval's identity or a unique beginning of it; `ID@2` decides only its second revision",
        "审批的标识或唯一的开头；`ID@2` 只对第二版作决定",
    ),
    (
        "The chosen option or its number, or a typed answer, where the question has one",
        "问题需要时，所选的选项或其编号，或输入的回答",
    ),
    // Doing.
    ("Start a pipeline on a pane", "在窗格上启动流水线"),
    (
        "The pane: `%3`, `host:%3`, `session:window.pane`, or the window's name",
        "窗格：`%3`、`host:%3`、`session:window.pane` 或窗口名",
    ),
    ("The pipeline; may be left out where only one applies to the pane", "流水线；窗格只适用一个时可省略"),
    ("The stage to begin with; the first one when left out", "从哪个阶段开始；省略时为第一个"),
    ("The value of an input; may be given several times", "输入项的值；可以给出多次"),
    ("Run a stage again", "重跑一个阶段"),
    ("Treat the live stage as done and go on", "把当前阶段视为完成并继续"),
    ("End a run; nothing more is typed for it", "结束一次运行，不再为它输入任何内容"),
    ("The run: `#12`, `12`, or its pane", "运行：`#12`、`12` 或其窗格"),
    ("The stage; the live or last one when left out", "阶段；省略时为当前或最后一个"),
    ("Type text or keys into a pane", "向窗格输入文字或按键"),
    ("Wait until a pane is idle, done, asks something, or shows a text", "等待窗格空闲、完成、提问或显示某段文字"),
    (
        "idle, done, asks, working, error, gone, or text:REGEX on its screen; several with commas, one is enough",
        "idle、done、asks、working、error、gone，或屏幕上的 text:正则；可用逗号写多个，满足一个即可",
    ),
    (
        "Give up after this long, such as 90s or 10m; waits for ever when left out",
        "超过此时长则放弃，如 90s 或 10m；省略则一直等待",
    ),
    ("What is waited for may be so already; then it does not wait", "所等的情况可能已经成立；那就不再等待"),
    (
        "The text; several words are joined by blanks, `-` reads standard input, `--` comes before words like --json",
        "文字；多个词以空格相连，`-` 读取标准输入，--json 这样的词之前先写 `--`",
    ),
    (
        "A key by tmux's name, such as C-c, Escape, Up; may be given several times",
        "tmux 的按键名，如 C-c、Escape、Up；可多次给出",
    ),
    ("Type it whoever reads: a program, a draft, a password prompt", "不论由谁读取都输入：程序、草稿、密码提示"),
    ("Do not press Enter at the end (keys alone never do)", "末尾不按回车（只有按键时从不按）"),
    ("Stop all sending", "停止一切发送"),
    ("Write down what the supervisor took in, and play it back", "记录监督进程收到的一切，并重放"),
    (
        "Write what the supervisor took in lately into a file, without known secrets",
        "把监督进程最近收到的内容写入文件，去除已知机密",
    ),
    ("Play such a file back, and say where it comes out otherwise", "重放这样的文件，并指出何处结果不同"),
    ("The new file", "新文件"),
    ("The file", "文件"),
    (
        "Exit code 1 when a round comes out otherwise than it was recorded. Run it under a debugger to see why",
        "某一轮与记录不同时退出码为 1。在调试器中运行可查明原因",
    ),
    ("Print only rounds that come out otherwise", "只显示结果不同的轮次"),
    ("Send again, what was held back first", "恢复发送，先发被暂缓的"),
    (
        "Stay frozen, and give up what is held back under this identity (see `status`)",
        "保持冻结，放弃此标识下被暂缓的一项（见 `status`）",
    ),
    (
        "Run a command that reports its end and exit code to the supervisor",
        "运行一条命令，由它向监督进程报告结束与退出码",
    ),
    ("The command and its arguments", "命令及其参数"),
    ("The stage that this command is a report for", "这条命令为哪个阶段报告"),
    // The supervisor.
    ("Load configuration and policies again", "重新加载配置与策略"),
    ("End the supervisor", "结束监督进程"),
    ("Return at once instead of waiting for its end", "立即返回，不等它结束"),
    (
        "Open the full view in a tmux popup (see tmux.conf.snippet)",
        "在 tmux 弹窗中打开完整视图（见 tmux.conf.snippet）",
    ),
    (
        "Watch a demonstration on a tmux server of its own, removed at the end",
        "观看演示：使用自带的 tmux 服务器，结束时移除",
    ),
    ("Leave server and folder behind, and say how to look at them", "保留服务器与文件夹，并告知如何查看"),
    ("How fast the stand-ins work: 2 is twice as fast", "替身程序的速度：2 为两倍"),
    ("Print a completion script for a shell", "输出某个 shell 的补全脚本"),
    ("The shell", "哪个 shell"),
    (
        "Print lines for a shell's own file, by which it reports each command's begin and end to the pane",
        "输出供 shell 启动文件使用的几行，使其向窗格报告每条命令的开始与结束",
    ),
    ("bash 4.4 or newer: prompt, begin, end and exit code", "bash 4.4 及以上：提示符、开始、结束与退出码"),
    ("zsh: prompt, begin, end and exit code", "zsh：提示符、开始、结束与退出码"),
    ("fish: prompt, begin, end and exit code", "fish：提示符、开始、结束与退出码"),
    ("dash, ash and ksh: the prompt only", "dash、ash 与 ksh：仅提示符"),
    (
        "Print the versions of this program, its protocol and the running supervisor",
        "显示本程序、其协议与运行中的监督进程的版本",
    ),
    // Configuration.
    ("Check, print or find the configuration", "检查、输出或查找配置"),
    ("Check the configuration and its policies without starting anything", "检查配置及其策略，不启动任何东西"),
    (
        "Print a complete configuration with every key, its default and its meaning",
        "输出完整配置：每个键、默认值与含义",
    ),
    ("Print where everything lies", "显示各文件的位置"),
    ("The file; the one that would be used when left out", "文件；省略时为会用到的那个"),
    // Policies.
    ("Check, explain, replay or begin policies", "检查、解释、重放或新建策略"),
    ("Tell everything that is wrong with policies, each finding with its place", "指出策略中的全部问题及其位置"),
    ("Files and folders; those that would be used when left out", "文件与文件夹；省略时为会用到的那些"),
    ("Write a policy for a project from what is found in its folder", "按项目文件夹的内容为项目写一份策略"),
    ("The project's folder", "项目的文件夹"),
    (
        "The file to write; `tmuxagent.yaml` in the project's folder when left out",
        "要写的文件；省略时为项目文件夹中的 `tmuxagent.yaml`",
    ),
    (
        "Renew the file: add what is found anew, take out what is gone, keep what was edited or deleted by hand",
        "更新文件：加入新发现的，去掉已消失的，保留手工改过或删掉的",
    ),
    ("Print the policy instead of writing it", "只输出策略，不写文件"),
    ("Print the JSON schema of policies, for editors", "输出策略的 JSON schema，供编辑器使用"),
    (
        "Print policies as they are read, with what they include and every template in its place",
        "输出展开后的策略，包含引用的文件，模板都已填入",
    ),
    (
        "Leave out where each line comes from, so that what is printed is a policy",
        "不注明每行的出处，使输出本身就是策略",
    ),
    ("Print the words by which `looks_like` tells errors from successes", "输出 `looks_like` 用来区分错误与成功的词表"),
    ("Print a reference of every key of the policy language", "输出策略语言全部键的参考"),
    ("Only those of this tool", "只输出这个工具的"),
    (
        "Files and folders whose `words` count; those that would be used when left out",
        "其 `words` 有效的文件和文件夹；不给出时用会被使用的那些",
    ),
    ("Tell what a policy would have done with recorded output", "说明策略对录下的输出会做什么"),
    ("A log file; `-` reads standard input", "日志文件；`-` 读取标准输入"),
    (
        "A pane out of the recordings (`%3`, `session:window.pane`, a window's name); may be given several times",
        "录制中的窗格（`%3`、`session:window.pane`、窗口名）；可多次给出",
    ),
    (
        "Only what was printed since then: so long ago (`2h`), a time of today (`08:30`), or a date and time",
        "只要此后打印的：多久以前（`2h`）、今天的时刻（`08:30`）或日期加时间",
    ),
    ("Only what was printed until then", "只要此前打印的"),
    (
        "Another policy (file or folder): only what the two decide differently is told",
        "另一份策略（文件或文件夹）：只说明两者决定不同之处",
    ),
    (
        "How questions are answered: leave, approve, reject, or as-decided (as people did then)",
        "如何回答问题：leave、approve、reject 或 as-decided（照人们当时的决定）",
    ),
    ("How polls are answered: pending (not yet, always) or met", "如何回答轮询：pending（始终未完成）或 met"),
    ("How long time goes on after the last line", "最后一行之后时间再走多久"),
    ("The time between two lines of a log, which tells no times itself", "日志本身没有时间时，两行之间的间隔"),
    (
        "A fact of the pane that a log is from, as in `match`: `window_name=agent:ci`; without any, every pipeline applies",
        "日志所属窗格的属性，写法同 `match`：`window_name=agent:ci`；都不给时每个流水线都适用",
    ),
    ("Run example logs and compare with the decisions that are expected", "运行示例日志，与预期的决定比较"),
    (
        "Write what is decided now into the tests; look at the difference before you keep it",
        "把现在的决定写入测试；保留前请先看差异",
    ),
    // State.
    ("Check, back up, repair, restore or export the state database", "检查、备份、修复、恢复或导出状态数据库"),
    (
        "Set damaged rows aside that nothing needs; the whole file is copied first",
        "移开无人需要的损坏行；先复制整个文件",
    ),
    ("Only say what would be set aside", "只说明会移开什么"),
    (
        "Only rows that nothing goes on from: events, lines for people, what is over. Exit code 1: there is damage (--dry-run)",
        "只涉及无人继续使用的行：事件、给人看的记录、已结束的内容。退出码 1：有损坏（--dry-run）",
    ),
    ("Examine the state database, also while a supervisor writes it", "检查状态数据库，监督进程写入时也可以"),
    (
        "Make a backup, also while a supervisor runs, or list those there are",
        "做一份备份（监督进程运行时也可以），或列出已有的",
    ),
    ("Only list them, newest first", "只列出，最新的在前"),
    ("Only say which it is and what it takes back", "只说明是哪一个、会撤回什么"),
    ("Make a backup the database; the present one is kept aside", "用备份替换数据库；现有的另行保留"),
    ("The backup; the newest that is sound when left out", "备份；省略时为最新的完好备份"),
    ("Print the journal as JSON lines", "以 JSON 行输出日志"),
    (
        "Print standard input without secrets, as it would leave this machine",
        "输出去掉机密后的标准输入，即它离开本机时的样子",
    ),
    ("Look for what is wrong on this machine, each finding with its fix", "查找本机的问题，每项附解决办法"),
    (
        "Do what is safe: make our folders, take others' rights from our files",
        "做安全的修复：建立所需文件夹，取消他人对文件的权限",
    ),
    // Alerts.
    ("Send a message to people, try a channel, or print what was sent", "向人发送消息、试一个通道，或查看已发送的"),
    (
        "Send a text: its first line is the title. Exit code 1: a channel did not take it",
        "发送一段文字：第一行为标题。退出码 1：某个通道未接收",
    ),
    (
        "Send a real message to one channel, or to all, and explain what fails",
        "向一个或全部通道发送真实消息，并说明失败原因",
    ),
    ("Print what was sent, what waits, and what the services answered", "显示已发送的、等待中的，以及各服务的回应"),
    (
        "Make a new key for signed links; those in people's hands hold until they expire",
        "为签名链接生成新密钥；已发出的链接在到期前仍然有效",
    ),
    (
        "The channel, several times for several; the ones that alerts of this urgency go to when left out",
        "通道，可多次给出；省略时为此紧急程度的通知所去的通道",
    ),
    (
        "Read headings, lists, bold words, code and links of web addresses in the text",
        "解析文字中的标题、列表、粗体、代码与网址链接",
    ),
    ("How pressing it is", "紧急程度"),
    ("The text; standard input when it is `-` or left out", "文字；为 `-` 或省略时读取标准输入"),
    ("The channel; all of the configuration when left out", "通道；省略时为配置中的全部"),
    ("Only this channel", "只看这个通道"),
    (
        "Also ask the channels' services whether they are reached and know the credentials; nothing is sent",
        "同时询问各通道的服务能否到达、凭据是否有效；不发送任何消息",
    ),
    // Workspaces and agents.
    (
        "Make the sessions, windows and panes of a workspace file that are missing",
        "建立工作区文件中尚缺的会话、窗口与窗格",
    ),
    ("Close what `up` made", "关闭 `up` 建立的一切"),
    ("Write a workspace file of what runs now", "把正在运行的写成工作区文件"),
    (
        "The workspace's file; `workspace.yaml` here or beside the configuration when left out",
        "工作区文件；省略时为此处或配置旁的 `workspace.yaml`",
    ),
    (
        "Take the workspace that comes along: the windows that the bundled policies match",
        "使用自带的工作区：自带策略所匹配的窗口",
    ),
    ("Take the workspace that comes along", "使用自带的工作区"),
    ("Only show what would be done", "只显示会做什么"),
    ("Only print the workspace's file, to begin one of your own", "只输出工作区文件，供您改写"),
    ("Only show what would be closed", "只显示会关闭什么"),
    ("Write it to this file, which must not exist", "写入此文件（不得已存在）"),
    ("The workspace's name", "工作区的名字"),
    ("Only these hosts; all when left out", "只要这些主机；省略时为全部"),
    ("Behave like an agent without keys or network, to try a policy", "像智能体一样行动，不需要密钥与网络，用来试策略"),
    ("Do this one task and end, instead of reading prompts", "只做这一件事就结束，不读取提示"),
    ("With a task: stay after it, and read prompts", "与任务一起使用：做完后留下，继续读取提示"),
    ("The file that it pretends to read and edit", "它假装读取并修改的文件"),
    ("The stage that its reports name", "它的报告所写的阶段"),
    ("Seconds that each of its steps takes", "每一步用多少秒"),
    ("Ask before each edit", "每次修改前先询问"),
    ("Fail the first so many tasks", "最先的这么多件事以失败告终"),
    (
        "Tell its state by OSC 7501 as well, as agents do that know this protocol",
        "也用 OSC 7501 报告状态，如同懂此协议的智能体",
    ),
    (
        "Give the command a terminal of its own: under cron, in a pipe or over ssh without -t it would have none",
        "给命令一个自己的终端：在 cron、管道或不带 -t 的 ssh 下，它本来没有终端",
    ),
    (
        "Lead the command's session on this terminal: the second half of `--pty`",
        "在此终端上担任该命令会话的首进程：`--pty` 的后半步",
    ),
    (
        "Print a function for sh, bash and zsh that reports the same on machines without this program",
        "输出供 sh、bash 与 zsh 使用的函数，在没有本程序的机器上作同样的报告",
    ),
];
