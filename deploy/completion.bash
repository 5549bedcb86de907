# shellcheck shell=bash
# Completion of leuko-edge in bash. The words stand here, because asking the program takes a second on a Raspberry Pi;
# a test holds them against the program's own.

_leuko_edge_words() { # COMMAND [WORD OF camera]
    case $1 in
    sessions)
        case ${2-} in
        prune) echo "--older-than --keep-signed --no-keep-signed --database --help" ;;
        backup) echo "--database --help" ;;
        *) echo "prune backup --database --config --json --csv --help" ;;
        esac
        ;;
    export) echo "--database --config --json --csv --annotate --crops --help" ;;
    config)
        echo "--config --json --example --camera --target --precision --um-per-px --threads --model --database" \
            "--operator --display --reference --help"
        ;;
    camera)
        case ${2-} in
        list) echo "--json --help" ;;
        tune) echo "--camera --out --frames --config --help" ;;
        *) echo "list tune --help" ;;
        esac
        ;;
    doctor) echo "--json --config --help" ;;
    bench) echo "--json --seconds --threads --model --help" ;;
    serve) echo "--config --camera --video --database --display --help" ;;
    review) echo "--host --port --certificate --key --model --database --config --help" ;;
    users)
        case ${2-} in
        add) echo "--role --database --config --help" ;;
        list | remove) echo "--database --config --help" ;;
        *) echo "add list remove --help" ;;
        esac
        ;;
    attach) echo "--once --json --keys --folder --help" ;;
    *)
        echo "--image --camera --video --demo --seed --cells --um-per-px --model --threads --reference --config" \
            "--target --precision --sample --operator --notes --resume --database --recursive --no-session --window --json --csv" \
            "--annotate --crops --quiet --timings --version --verbose --help"
        ;;
    esac
}

_leuko_edge() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' under='' words files=''
    if [[ $COMP_CWORD -gt 1 ]]; then command=${COMP_WORDS[1]}; fi
    if [[ $COMP_CWORD -gt 2 ]]; then under=${COMP_WORDS[2]}; fi
    words=$(_leuko_edge_words "$command" "$under")
    case $command:$before in
    :*) words="sessions export config camera doctor bench serve attach review users $words" ;;
    [a-z]*:--json) if [[ $command == export ]]; then words='' files=yes; fi ;; # a switch of the other commands
    *:--image | *:--video | *:--model | *:--config | *:--database | *:--json | *:--csv | *:--annotate | *:--crops | *:--out | *:--folder)
        words='' files=yes
        ;;
    *:--camera) words="auto picamera2" files=yes ;;
    *:--certificate | *:--key) words='' files=yes ;;
    *:--role) words="viewer technologist supervisor" ;;
    *:--display) words="auto none" files=yes ;;
    *:--reference) words="neutrophil= lymphocyte= monocyte= eosinophil= basophil= immature_granulocyte= variant_lymphocyte= blast=" ;;
    *:--seed | *:--cells | *:--um-per-px | *:--threads | *:--target | *:--precision | *:--sample | *:--operator | \
        *:--notes | *:--older-than | *:--host | *:--port | *:--frames | *:--seconds)
        return
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    if [[ -n $files ]]; then
        compopt -o filenames 2>/dev/null # outside of a terminal there is nothing to tell
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
    fi
}

complete -o default -F _leuko_edge leuko-edge
