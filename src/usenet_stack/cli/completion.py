"""`usenet completion`: the scripts that make a shell ask `__complete`."""

from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import Argument, Command
from usenet_stack.result import Result

BASH = r"""# bash completion for usenet
# Use it now:    source <(usenet completion bash)
# Use it always: usenet completion bash \
#   > ~/.local/share/bash-completion/completions/usenet
_usenet() {
    local program="${COMP_WORDS[0]/#\~/$HOME}" line
    COMPREPLY=()
    while IFS= read -r line; do
        case "$line" in
        :folders)
            compopt -o filenames 2>/dev/null
            mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(
                compgen -d -- "${COMP_WORDS[COMP_CWORD]}"
            ) ;;
        :files) compopt -o default 2>/dev/null ;;
        *) COMPREPLY+=("${line%%$'\t'*}") ;;
        esac
    done < <("$program" __complete "$COMP_CWORD" "${COMP_WORDS[@]}" \
        2>/dev/null)
}
complete -F _usenet usenet ./usenet
"""

ZSH = r"""#compdef usenet
# zsh completion for usenet
# Use it now:    source <(usenet completion zsh)
# Use it always: usenet completion zsh > a folder of $fpath, as _usenet
_usenet() {
    local line
    local -a found
    local -a lines=("${(@f)$("${words[1]}" __complete $((CURRENT - 1)) \
        "${words[@]}" 2>/dev/null)}")
    for line in "${lines[@]}"; do
        case "$line" in
        '') ;;
        :folders) _files -/ ;;
        :files) _files ;;
        *) found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        esac
    done
    (( ${#found} )) && _describe usenet found
}
if [ "${funcstack[1]}" = "_usenet" ]; then
    _usenet "$@"
elif (( $+functions[compdef] )); then
    compdef _usenet usenet
fi
"""

FISH = r"""# fish completion for usenet
# Use it now:    usenet completion fish | source
# Use it always: usenet completion fish \
#   > ~/.config/fish/completions/usenet.fish
function __usenet_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    for line in ($before[1] __complete (count $before) $before "$current" \
            2>/dev/null)
        switch $line
            case :folders
                __fish_complete_directories "$current"
            case :files
                __fish_complete_path "$current"
            case '*'
                echo $line
        end
    end
end
complete -c usenet -f -a '(__usenet_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def completion(call: Call) -> Result:
    """Return the completion script of a shell."""
    return Result({"script": SCRIPTS[call.text("shell")]})


COMMAND = Command(
    path="completion",
    summary="Complete commands in the shell",
    run=completion,
    show="text:script",
    description="""
        Prints a script for the shell. With it, the Tab key completes verbs,
        options, and the names of services, groups, profiles, drives,
        settings and journals.
    """,
    arguments=(
        Argument("SHELL", "The shell", choices=("bash", "zsh", "fish")),
    ),
    examples=(
        (
            "usenet completion bash "
            "> ~/.local/share/bash-completion/completions/usenet",
            "Completes in every bash that is started from now on.",
        ),
        (
            "usenet completion zsh > ~/.zfunc/_usenet",
            "For zsh, when ~/.zfunc is in its fpath.",
        ),
        (
            "usenet completion fish > ~/.config/fish/completions/usenet.fish",
            "For fish.",
        ),
    ),
    errors=("file.denied",),
    see_also=("help",),
)
