//! What the readers of policies find. `{}` is a hole, `{0}` names the first one.

pub(super) const ROWS: &[(&str, &str)] = &[
    ("names and their values", "名称及其值"),
    ("write `triggers`", "请写 `triggers`"),
    ("write `require_approval`", "请写 `require_approval`"),
    ("names are letters, digits and `_`, and start with a letter", "名称由字母、数字和 `_` 组成，以字母开头"),
    (
        "names are those of tmuxagent, of `(?P<name>…)` groups and of `set` in this pipeline; write `\\{{` for two braces",
        "名称来自 tmuxagent、`(?P<name>…)` 捕获组和本流水线的 `set`；要写两个花括号请写 `\\{{`",
    ),
    (
        "ask in `success_when`, or name what is known of a pane, such as `{{pane.path}}`",
        "请在 `success_when` 里询问，或使用窗格已知的值，例如 `{{pane.path}}`",
    ),
    ("`{{` is not closed", "`{{` 没有闭合"),
    ("close it with `}}`, or write `\\{{` for two braces", "请用 `}}` 闭合，或用 `\\{{` 表示两个花括号"),
    (
        "keys are called as in tmux: `Enter`, `Escape`, `Up`, `C-c`, `M-x`, `F5`; a text goes into `text`",
        "按键名与 tmux 相同：`Enter`、`Escape`、`Up`、`C-c`、`M-x`、`F5`；文本写在 `text` 里",
    ),
    (
        "join the commands with `&&`, or make a stage of each; of several with an `if` each is one",
        "请用 `&&` 连接命令，或各写成一个阶段；各带 `if` 的几条可以并列",
    ),
    (
        "write it as `1500ms`, `2s`, `5m` or `1h30m`; a plain number belongs to the key that ends in `_ms`",
        "请写作 `1500ms`、`2s`、`5m` 或 `1h30m`；单独的数字用于以 `_ms` 结尾的键",
    ),
    (
        "five fields and a time zone: minute, hour, day of month, month, day of week, such as `30 8 * * MON-FRI Asia/Shanghai`",
        "五个字段加时区：分、时、日、月、星期，例如 `30 8 * * MON-FRI Asia/Shanghai`",
    ),
    (
        "make at least one part of it required, or write `.` for any line with text",
        "请让其中至少一部分必须出现，或写 `.` 表示任何有文字的行",
    ),
    ("write `/{}/` for a regular expression", "正则表达式请写作 `/{0}/`"),
    (
        "a line break would press Enter in the middle: use one action for each line, or `prompt` for an agent",
        "换行会在中途按下回车：每行写一个动作，给智能体的文本请用 `prompt`",
    ),
    ("`{{{}}}` can't stand {}", "`{{{0}}}` 不能放在{1}"),
    ("within {}", " {0} 里"),
    ("`{{{}}}` stands in a command that can't be followed for certain: {}", "`{{{0}}}` 所在的命令无法可靠分析：{1}"),
    ("`{{{}}}` comes from a pane or an input and would name what is run", "`{{{0}}}` 来自窗格或输入，会决定运行什么"),
    (
        "`{{{}}}` comes from a pane or an input and would be written into a file that is run",
        "`{{{0}}}` 来自窗格或输入，会被写进要运行的文件",
    ),
    (
        "write it into a file of data and let your code read that; if nobody else can print it, write `{{{} | trusted}}`",
        "请写进数据文件，由您的代码读取；若别人无法打印它，可写 `{{{0} | trusted}}`",
    ),
    (
        "`{{{}}}` comes from a pane or an input and would stay in the shell behind this command, for all that runs there later",
        "`{{{0}}}` 来自窗格或输入，会在此命令之后留在 shell 里，影响之后的一切",
    ),
    (
        "give it to one program, as `./deploy {{{}}}` or `VERSION={{{}}} ./deploy`, or put brackets around what it is meant for: `( … )`; if nobody else can print it, write `{{{} | trusted}}`",
        "请只交给一个程序，例如 `./deploy {{{0}}}` 或 `VERSION={{{1}}} ./deploy`，或用括号 `( … )` 围住所用之处；若别人无法打印它，可写 `{{{2} | trusted}}`",
    ),
    (
        "`{{{}}}` comes from a pane or an input, can be any text, and is not proved to be data here",
        "`{{{0}}}` 来自窗格或输入，可能是任何文字，且无法证明它在这里只是数据",
    ),
    (
        "`{{{}}}` comes from a pane or an input, can be the name of a file or program, and is not proved to be data here",
        "`{{{0}}}` 来自窗格或输入，可能是某个文件或程序的名字，且无法证明它在这里只是数据",
    ),
    (
        "let its pattern begin with a digit, as `(?<{}>[0-9][0-9.]*)`, or with `v` and a digit, and take no `/`; or hand it to a script of the project's own, as `./deploy {{{}}}`; or write `{{{} | trusted}}` if nobody else can print it",
        "请让模式以数字开头，例如 `(?<{0}>[0-9][0-9.]*)`，或以 `v` 加数字开头，且不含 `/`；或交给项目自己的脚本，例如 `./deploy {{{1}}}`；若别人无法打印它，可写 `{{{2} | trusted}}`",
    ),
    (
        "`{{{}}}` comes from a pane or an input and is given to the variable `{}`, with which another command of this policy calculates",
        "`{{{0}}}` 来自窗格或输入，被赋给变量 `{1}`，而本策略的另一条命令会用它来计算",
    ),
    ("choose another name for one of the two variables", "请为两个变量之一另取名字"),
    (
        "`{{{}}}` comes from a pane or an input, can be any text, and goes to a program of which nobody here knows what it makes of it",
        "`{{{0}}}` 来自窗格或输入，可能是任何文字，交给了一个不知会如何处理它的程序",
    ),
    (
        "`{{{}}}` comes from a pane or an input and is attached to an option of a program that options make run something",
        "`{{{0}}}` 来自窗格或输入，附在选项上，而这个程序的选项可以运行命令",
    ),
    (
        "write it as a word of its own behind the option; if nobody else can print it, write `{{{} | trusted}}`",
        "请把它作为选项之后单独的词；若别人无法打印它，可写 `{{{0} | trusted}}`",
    ),
    (
        "let its pattern take only letters, digits and plain signs, as `(?<{}>[0-9][0-9.]*)`; or hand it to a script of the project's own, as `./deploy {{{}}}`; or write `{{{} | trusted}}` if nobody else can print it",
        "请让模式只取字母、数字和普通符号，例如 `(?<{0}>[0-9][0-9.]*)`；或交给项目自己的脚本，例如 `./deploy {{{1}}}`；若别人无法打印它，可写 `{{{2} | trusted}}`",
    ),
    (
        "`{{{}}}` comes from a pane or an input and is written into `{}`, which another command of this policy may run",
        "`{{{0}}}` 来自窗格或输入，被写进 `{1}`，而本策略的另一条命令可能会运行它",
    ),
    ("read the file as data, or write `{{{} | trusted}}`", "请把文件当作数据读取，或写 `{{{0} | trusted}}`"),
    (
        "`{{{}}}` comes from a pane or an input and is given to `{}`, which another command of this policy defines",
        "`{{{0}}}` 来自窗格或输入，交给了 `{1}`，它由本策略的另一条命令定义",
    ),
    (
        "`{{{}}}` comes from a pane or an input and goes to `{}`, which lies elsewhere where another command of this policy has gone to another folder",
        "`{{{0}}}` 来自窗格或输入，去往 `{1}`，而本策略的另一条命令换了目录后，它就不在原处了",
    ),
    (
        "put brackets around that command, so that the folder ends with it: `( cd … && … )`",
        "请给那条命令加上括号，让目录随它结束：`( cd … && … )`",
    ),
    ("make a script of it, which can't keep the value in the shell", "请把它写成脚本，脚本不会把值留在 shell 里"),
    (
        "`$_` is the last argument of the command before it, which may be a value from a pane",
        "`$_` 是前一条命令的最后一个参数，它可能是来自窗格的值",
    ),
    ("write the argument itself", "请写出参数本身"),
    (
        "`{{{}}}` comes from a pane or an input and would steer the shell or a program",
        "`{{{0}}}` 来自窗格或输入，会左右 shell 或程序",
    ),
    (
        "`{{{}}}` comes from a pane or an input and would be read once more, as a command, a formula or a format",
        "`{{{0}}}` 来自窗格或输入，会被再次当作命令、算式或格式读取",
    ),
    (
        "`{{{}}}` comes from a pane or an input, and this command reads once more what variables or other commands hold",
        "`{{{0}}}` 来自窗格或输入，而此命令会再次读取变量或其他命令的内容",
    ),
    ("name the environment variable; a token itself has no place in a policy", "请写环境变量名；令牌本身不应写进策略"),
    ("write pipelines, or start from `tmuxagent policy init`", "请写流水线，或从 `tmuxagent policy init` 开始"),
    (
        "a person ends a stage by the keys for that, whatever the policy says",
        "无论策略怎样写，人都可以用相应按键结束阶段",
    ),
    (
        "name what it prints when it is done, or write `run` to go by the exit code",
        "请写明完成时的输出，或用 `run` 以退出码为准",
    ),
    ("stages wait for each other in a circle: {}", "阶段互相等待成环：{0}"),
    ("to try a stage again write `on_fail: [{retry: …}]`", "要重试阶段请写 `on_fail: [{retry: …}]`"),
    (
        "write `triggers: [manual]` if that is meant, or `after_stage_success: …`",
        "若确实如此请写 `triggers: [manual]`，否则写 `after_stage_success: …`",
    ),
    ("pipelines start each other in a circle: {}", "流水线互相启动成环：{0}"),
    (
        "the other is at {}; make their `match` exclude each other, or give both the same `lock`",
        "另一处在 {0}；请让两者的 `match` 互斥，或给它们同一个 `lock`",
    ),
    ("match what the program answers, not what it is told", "请匹配程序的回答，而不是发给它的内容"),
    // Panes, loops, inputs, values of stages, ends.
    ("a pane", "窗格"),
    ("a window", "窗口"),
    ("a role", "角色"),
    ("`{}` can't be the name of a window that is made", "`{0}` 不能是新建的窗口的名字"),
    ("tmux takes `:` and `.` for signs of a target", "tmux 把 `:` 和 `.` 当作目标的符号"),
    ("no value is filled in where a pane is made", "新建窗格的地方不填入任何值"),
    (
        "write the text as it is, and type what needs values in an action of a stage",
        "请按原样写出文字；需要值的内容，请在阶段的动作里输入",
    ),
    ("what a pane is made with is one line of text", "新建窗格所用的是一行文字"),
    ("put more than that into a script, and name it here", "更多的内容请写进脚本，在这里写它的名字"),
    (
        "a run begins in the pane of its first stage, and `{}` is one that is made for a run",
        "运行从第一个阶段的窗格开始，而 `{0}` 是为运行新建的窗格",
    ),
    (
        "let the first stage act in another pane, or say with `match` which panes the pipeline applies to",
        "请让第一个阶段在别的窗格进行，或用 `match` 写明流水线适用于哪些窗格",
    ),
    ("an input", "输入项"),
    ("names and what they stand for (a map)", "名字及其含义（映射）"),
    ("a pipeline needs the key `match`", "流水线需要键 `match`"),
    ("not reached: {}: {} ({})", "未到达：{0}：{1}（{2}）"),
    ("coverage: {} of {} ({}%)", "覆盖：{1} 个中的 {0} 个（{2}%）"),
    ("`pane` and `panes` stand here both", "这里同时写了 `pane` 和 `panes`"),
    ("the test has no pane `{}`", "这个测试没有窗格 `{0}`"),
    ("its panes are {}", "它的窗格有 {0}"),
    ("no pane is called `{}`", "没有名为 `{0}` 的窗格"),
    (
        "give the name in `panes`, as `panes: {checks: {pane_role: checks}}`",
        "请在 `panes` 里给出这个名字，例如 `panes: {checks: {pane_role: checks}}`",
    ),
    (
        "or let its first stage say where it acts, as `in: checks`",
        "或者让它的第一个阶段写明在哪里进行，例如 `in: checks`",
    ),
    (
        "the stage `{}` does not say where it acts, and its pipeline has no `match`",
        "阶段 `{0}` 没有写明在哪里进行，而它的流水线没有 `match`",
    ),
    (
        "this does not say where it acts, and its pipeline has no `match`",
        "这里没有写明在哪里进行，而它的流水线没有 `match`",
    ),
    ("write `in: …` with a name of `panes`", "请写 `in: …`，用 `panes` 里的名字"),
    ("no stage acts in the pane `{}`", "没有阶段在窗格 `{0}` 里进行"),
    ("write `in: …` at a stage, or take the name out", "请在某个阶段写 `in: …`，或去掉这个名字"),
    ("the stage `{}` stands in a loop already", "阶段 `{0}` 已在一个循环里"),
    ("write all stages of the circle into one loop", "请把这一圈的所有阶段写进同一个循环"),
    ("rounds are from 1 to {}", "轮数为 1 到 {0}"),
    ("give the circle a bound: `loop: {stages: [{}], max: 5}`", "请给这一圈一个上限：`loop: {stages: [{0}], max: 5}`"),
    (
        "no stage of this loop follows another one of it in a circle, so that none runs again",
        "这个循环里的阶段没有首尾相接，所以没有一个会再次运行",
    ),
    (
        "let the first one also follow the last one: `triggers: [{after_stage_success: [before, last]}]`",
        "请让第一个也跟随最后一个：`triggers: [{after_stage_success: [before, last]}]`",
    ),
    ("this needs the name of a stage", "这里需要阶段的名字"),
    ("a stage can't be called `{}` where the pipeline has a `finally`", "流水线有 `finally` 时，阶段不能叫 `{0}`"),
    ("give the stage another name", "请给这个阶段换一个名字"),
    ("an item of `finally` is one action, and where it acts", "`finally` 的一项是一个动作及其所在的窗格"),
    ("write each action as an item of its own", "请把每个动作各写成一项"),
    ("`{}` can't be the name of an input", "`{0}` 不能作输入项的名字"),
    ("names are letters, digits, `_` and `-`", "名字由字母、数字、`_` 和 `-` 组成"),
    ("the default of the input `{}` can't be `{}`", "输入项 `{0}` 的默认值不能是 `{1}`"),
    ("the type of an input", "输入项的类型"),
    ("what an input is taken from", "输入项的来源"),
    ("no pipeline that has this input is started by a message alone", "有这个输入项的流水线都不由单独一条消息启动"),
    (
        "let a message start it: `triggers: [{message: {type: ACTION, stage: …}}]`, not within `all_of`; or leave `from` out",
        "请让消息启动它：`triggers: [{message: {type: ACTION, stage: …}}]`，不要写在 `all_of` 里；或去掉 `from`",
    ),
    (
        "the stage `{}` asks for approval, and its `if` may leave that out: what an agent's message gives to `{}` can lead there",
        "阶段 `{0}` 需要审批，而它的 `if` 可能让审批被略过：智能体的消息给 `{1}` 的值会影响到这里",
    ),
    (
        "`approvers` are names of people, as they stand: no values, and nothing that nobody can see",
        "`approvers` 是人名，按原样比较：不能含取值，也不能含看不见的字符",
    ),
    (
        "name who may decide, as `tmuxagent approvals --all` shows it",
        "请写出可以决定的人，写法与 `tmuxagent approvals --all` 所示一致",
    ),
    (
        "the stage `{}` asks for approval, and its `if` may leave that out: `{}` is what a pane printed, where an agent may be",
        "阶段 `{0}` 需要审批，而它的 `if` 可能让审批被略过：`{1}` 是窗格里印出的内容，那里可能有智能体",
    ),
    (
        "the stage `{}` asks for approval, and its `if` may leave that out: what becomes of the stage `{}` goes by what a pane printed, where an agent may be",
        "阶段 `{0}` 需要审批，而它的 `if` 可能让审批被略过：阶段 `{1}` 的结果取决于窗格里印出的内容，那里可能有智能体",
    ),
    (
        "ask without `if`, and give that to the stages before or after it; or let a `run` print it; or say that no agent is there: `match: {not: {agent: \"?*\"}}`",
        "请不写 `if` 直接询问，把 `if` 写到它前后的阶段上；或让 `run` 来印出它；或写明那里没有智能体：`match: {not: {agent: \"?*\"}}`",
    ),
    (
        "ask without `if`, and give that to the stages before or after it; or leave out `from: message`",
        "请不写 `if` 直接询问，把 `if` 写到它前后的阶段上；或去掉 `from: message`",
    ),
    (
        "the stage `{}` acts before a person has said yes: what an agent's message gives to `{}` can lead there",
        "阶段 `{0}` 在有人同意之前就会动作：智能体的消息给 `{1}` 的值会影响到这里",
    ),
    (
        "give it `require_approval`, or let it follow the success of a stage that has it, on every way; or leave out `from: message`",
        "请给它写 `require_approval`，或让它在每条路上都跟随带有它的阶段的成功；或去掉 `from: message`",
    ),
    (
        "`finally` acts also where nobody has said yes: what an agent's message gives to `{}` can lead there",
        "没有人同意时 `finally` 也会动作：智能体的消息给 `{0}` 的值会影响到这里",
    ),
    (
        "let it `notify` alone, and act in a stage behind one with `require_approval`; or leave out `from: message`",
        "请让它只写 `notify`，把动作写到带 `require_approval` 的阶段之后；或去掉 `from: message`",
    ),
    (
        "a run of `{}` cancels an older one before a person has said yes: what an agent's message gives to `{}` can lead there",
        "`{0}` 的运行会在有人说是之前取消较早的运行：智能体的消息给 `{1}` 的值可以引向这里",
    ),
    (
        "write `on_busy: queue` or `on_busy: refuse`; or leave out `from: message`",
        "请写 `on_busy: queue` 或 `on_busy: refuse`；或去掉 `from: message`",
    ),
    ("an input with `choices` needs one", "写了 `choices` 的输入项至少要有一个选项"),
    ("the choices of a `bool` are `true` and `false`", "`bool` 的选项就是 `true` 和 `false`"),
    (
        "`{{{}}}` is not known here: the stage `{}` has not ended for certain",
        "`{{{0}}}` 在这里还不知道：阶段 `{1}` 不一定已经结束",
    ),
    (
        "let the stage follow it on every way: `triggers: [{after_stage_success: {}}]`",
        "请让本阶段在每条路上都跟随它：`triggers: [{after_stage_success: {0}}]`",
    ),
    ("the stage `{}` has no `run`, so that no exit code of it is known", "阶段 `{0}` 没有 `run`，所以没有退出码"),
    (
        "the `run` of the stage `{}` may be skipped by its `if`, and has no exit code then",
        "阶段 `{0}` 的 `run` 可能因 `if` 被跳过，那时没有退出码",
    ),
    (
        "ask for the code, `if: {exit_code: {{}: 0}}`, or put the `if` at the stage",
        "请询问退出码：`if: {exit_code: {{0}: 0}}`，或把 `if` 写在阶段上",
    ),
    (
        "no files are looked for behind the end of a stage, where nothing waits for the answer",
        "阶段结束之后不再查找文件：没有什么会等待结果",
    ),
    (
        "write the action in a stage of its own: `triggers: [{after_stage_success: …}]` and `if: {file_exists: …}`",
        "请把这个动作写成单独的阶段：`triggers: [{after_stage_success: …}]` 加 `if: {file_exists: …}`",
    ),
    ("an action need not ask how its own stage ended", "动作不必询问自己的阶段如何结束"),
    (
        "`on_success` is done when it succeeded, and `on_fail` when it failed",
        "`on_success` 在成功后执行，`on_fail` 在失败后执行",
    ),
    (
        "`if` stands beside an action; what is tried again, asked or handed on has none",
        "`if` 写在动作旁边；重试、询问和上报没有 `if`",
    ),
    (
        "put the `if` at the stage, or at a `notify`, `run` or other action",
        "请把 `if` 写在阶段上，或写在 `notify`、`run` 等动作旁边",
    ),
    ("`leave` lets the command run on: it stands alone", "`leave` 让命令继续运行：它只能单独写"),
    ("write `on_cancel: leave`, or the steps", "请写 `on_cancel: leave`，或只写各个步骤"),
    (
        "write `finally: [{…, if: {run: cancelled}}]`, or `on_cancel: [interrupt]` at a stage for its command",
        "请写 `finally: [{…, if: {run: cancelled}}]`；要停止某阶段的命令，在该阶段写 `on_cancel: [interrupt]`",
    ),
    (
        "write a stage that follows its failure: `triggers: [{after_stage_failure: …}]` and `recovers: true`",
        "请写一个跟随其失败的阶段：`triggers: [{after_stage_failure: …}]` 加 `recovers: true`",
    ),
    (
        "write it before the command, `run: \"./prepare.sh && make\"`, or as a stage before this one",
        "请写在命令之前：`run: \"./prepare.sh && make\"`，或写成前一个阶段",
    ),
    (
        "files stay in the folder of the pane: the next stage finds them there, and `run` copies them elsewhere",
        "文件留在窗格的文件夹里：下一个阶段就在那里找到它们，要复制到别处用 `run`",
    ),
    (
        "what it printed is `{{STAGE.output}}`; a named group of `log_regex` and `set` keep a value",
        "它输出的内容是 `{{STAGE.output}}`；`log_regex` 的命名组和 `set` 可以保存值",
    ),
    ("what nobody may see stays in the environment of the pane's shell", "不可示人的值留在窗格 shell 的环境变量里"),
    ("write `use: NAME` for a stage of `templates`", "要使用 `templates` 里的阶段请写 `use: NAME`"),
    (
        "this is no policy, but looks like a file of Kubernetes or Argo; a policy has `pipelines`, each with `name`, `match` and `stages`",
        "这不是策略，像是 Kubernetes 或 Argo 的文件；策略写 `pipelines`，每条有 `name`、`match` 和 `stages`",
    ),
    ("a value is written `{{…}}` here, without a `$` before it", "这里的值写成 `{{…}}`，前面不加 `$`"),
    (
        "say it by two patterns: `all_of: [{log_regex: …}, {not: {log_regex: …}}]`",
        "请用两个模式表达：`all_of: [{log_regex: …}, {not: {log_regex: …}}]`",
    ),
    (
        "the slashes are part of this pattern, and only lines that hold them match",
        "斜杠是这个模式的一部分，只有含斜杠的行才匹配",
    ),
    (
        "write it without them: `{}`; between slashes stand the patterns of `match`, `expect` and `words`",
        "请不写斜杠：`{0}`；`match`、`expect` 和 `words` 的模式才写在斜杠之间",
    ),
    ("`{}` is no `-`, and what begins with it is no option", "`{0}` 不是 `-`，以它开头的不是选项"),
    ("write `-` or `--`", "请写 `-` 或 `--`"),
    (
        "a variable of the shell stands in a command as the shell has it: `$HOME`",
        "shell 的变量在命令里照 shell 的写法：`$HOME`",
    ),
    (
        "write `for_each: {os: [linux, mac]}` at the stage, and `{{each.os}}`",
        "请在阶段写 `for_each: {os: [linux, mac]}`，用 `{{each.os}}` 取值",
    ),
    (
        "what a stage left behind is `{{STAGE.output}}` or `{{STAGE.exit_code}}`",
        "阶段留下的值是 `{{STAGE.output}}` 或 `{{STAGE.exit_code}}`",
    ),
    ("what is typed for a yes is one word or more", "同意时输入的是一个或几个词"),
    ("write `confirm: name`, or the word itself", "请写 `confirm: name`，或直接写这个词"),
    (
        "the word of a yes holds no values: it is what is typed, as it stands",
        "同意须输入的词不含变量：它就是要原样输入的文字",
    ),
    ("the word of a yes holds characters that nobody can see", "同意须输入的词含有看不见的字符"),
    ("write a word that can be read and typed", "请写一个看得见、能输入的词"),
    (
        "`{}` is a yes or a no by itself, and can't be the word that a yes takes",
        "`{0}` 本身就表示批准或拒绝，不能用作同意须输入的词",
    ),
    ("write another word, such as what is done", "请换一个词，例如所做的事"),
    ("nobody could ever decide: `approvers` names no one", "永远没有人能决定：`approvers` 里没有名字"),
    ("name who may decide, or take the key out", "请写明谁可以决定，或去掉这个键"),
    // Stages beside each other.
    (
        "no stage of this pipeline has `needs`, so that none acts beside another one",
        "这条流水线没有阶段写了 `needs`，因此没有阶段会与别的同时进行",
    ),
    ("write `needs: …` in the place of `triggers`", "请写 `needs: …` 来代替 `triggers`"),
    ("stages at the same time are from 1 to {}", "同时进行的阶段数为 1 到 {0}"),
    ("the stage `{}` is needed already", "阶段 `{0}` 已经写过"),
    ("`needs` has `all` or `any`; keep one", "`needs` 只能有 `all` 或 `any` 之一；请保留一个"),
    (
        "`needs` and `triggers` both say which stages this one follows",
        "`needs` 和 `triggers` 都说明了本阶段跟在哪些阶段之后",
    ),
    (
        "a stage with `needs` begins when these have succeeded; its `triggers` would start nothing",
        "写了 `needs` 的阶段在那些阶段成功时开始；它的 `triggers` 不会启动任何东西",
    ),
    (
        "take `triggers` out, or write the stages as `after_stage_success` within one `all_of` of `triggers`",
        "请去掉 `triggers`，或者把这些阶段写成 `triggers` 的一个 `all_of` 里的 `after_stage_success`",
    ),
    (
        "write all of it into `triggers`: `triggers: {all_of: [{after_stage_success: a}, {any_of: […]}]}`, or keep `needs` alone",
        "请全部写进 `triggers`：`triggers: {all_of: [{after_stage_success: a}, {any_of: […]}]}`，或者只保留 `needs`",
    ),
    // A stage for each.
    ("`for_each` makes more than {} stages of this pipeline", "`for_each` 在这条流水线里生成的阶段超过 {0} 个"),
    ("give it fewer values", "请减少它的值"),
    ("`{}` can't be the name of a value", "`{0}` 不能用作值的名字"),
    ("`for_each` has no value of `{}`", "`for_each` 没有 `{0}` 的值"),
    ("`{}` stands in this list already", "`{0}` 已在这个列表里"),
    ("a value of `for_each` is one line that is not empty", "`for_each` 的值是非空的一行"),
    (
        "a stage with `for_each` follows another one, which starts all that are made of it",
        "写了 `for_each` 的阶段要跟在另一个阶段之后，由后者启动由它生成的所有阶段",
    ),
    (
        "begin the pipeline with a stage of its own, and write `needs: …` here",
        "请让流水线以单独的一个阶段开始，并在这里写 `needs: …`",
    ),
    // After a stage of another pipeline.
    ("`after` belongs to `triggers`", "`after` 属于 `triggers`"),
    ("`after` names another pipeline, and this is its own", "`after` 指的是另一条流水线，这里写的是它自己"),
    ("write `needs` or `after_stage_success`", "请写 `needs` 或 `after_stage_success`"),
    ("the pipeline `{}` has no stage `{}`", "流水线 `{0}` 没有阶段 `{1}`"),
    ("stages of several pipelines start each other in a circle: {} → {}", "几条流水线的阶段互相启动成环：{0} → {1}"),
    ("let a person start one of them: `triggers: [manual]`", "请让人来启动其中一个：`triggers: [manual]`"),
];
