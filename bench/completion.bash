# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of exitmeter for bash; zsh takes it too, after `autoload -U bashcompinit && bashcompinit`.
# Commands and options come from the --help of the exitmeter that is completed, and names of
# benchmarks, policies and CPU models from its list, so that none is written down here.

# Words in front of which exitmeter's --help has two blanks.
_exitmeter_commands() {
    "$@" --help 2>/dev/null | sed -nE 's/^  ([a-z][a-z-]*) {2,}.*/\1/p'
}

_exitmeter_options() {
    "$@" --help 2>/dev/null | grep -oE '(^|[ ,[])--?[a-z][a-z_-]*' | grep -oE '[-]+[a-z][a-z_-]*' | sort -u
}

# Names in one list of `exitmeter list --json`.
_exitmeter_listed() {
    "$1" list --json 2>/dev/null | awk -v "list=\"$2\":" '
        $1 == list { inside = 1 }
        inside && /^  \]/ { exit }
        inside && /^      "name":/ { gsub(/[",]/, "", $2); print $2 }'
}

_exitmeter_cpu_models() {
    "$1" list --json 2>/dev/null | awk '
        /"cpu_models": \[/ { inside = 1; next }
        /\]/ { inside = 0 }
        inside { gsub(/[",]/, ""); print $1 }'
}

_exitmeter() {
    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]}
    local before=${COMP_WORDS[COMP_CWORD - 1]} command=() words=''
    # `--option=value` comes as three words
    if [[ $word == '=' ]]; then
        word=''
    elif [[ $before == '=' ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    local i
    for ((i = 1; i < COMP_CWORD && ${#command[@]} < 2; i++)); do
        [[ ${COMP_WORDS[i]} == -* || ${COMP_WORDS[i]} == '=' ]] && break
        command+=("${COMP_WORDS[i]}")
        [[ ${command[0]} == policy || ${command[0]} == pmu ]] || break
    done

    case $before in
    -g | --guest) words=$(_exitmeter_listed "$program" benchmarks) ;;
    -p | --policy) words=$(_exitmeter_listed "$program" policies) ;;
    -t | --target) words=$(_exitmeter_listed "$program" targets) ;;
    --cpu-model) words=$(_exitmeter_cpu_models "$program") ;;
    --probes) words='off counts stamps full hardware' ;;
    --start) words='real protected long' ;;
    *)
        if [[ $word == -* ]]; then
            words=$(_exitmeter_options "$program" "${command[@]}")
        elif ((${#command[@]} == 0)); then
            words=$(_exitmeter_commands "$program")
        elif ((${#command[@]} == 1)) && [[ ${command[0]} == policy || ${command[0]} == pmu ]]; then
            words=$(_exitmeter_commands "$program" "${command[0]}")
        elif [[ ${command[0]} == policy ]]; then
            words=$(_exitmeter_listed "$program" policies)
        fi
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    # Runs, policy files and the like are paths.
    ((${#COMPREPLY[@]})) || mapfile -t COMPREPLY < <(compgen -f -- "$word")
}

complete -o filenames -F _exitmeter exitmeter
