# The files of a login shell, as tmux begins one, and then tmuxagent's lines.
if [[ -r /etc/profile ]]; then . /etc/profile; fi
if [[ -r ~/.bash_profile ]]; then
    . ~/.bash_profile
elif [[ -r ~/.bash_login ]]; then
    . ~/.bash_login
elif [[ -r ~/.profile ]]; then
    . ~/.profile
fi
