#!/bin/sh
# Installs, upgrades and removes leuko-edge on a Raspberry Pi or another Debian machine. `install.sh --help` says how.
#
# /opt/leuko-edge is a link to the Python environment in force, /opt/leuko-edge.N. An upgrade builds the next one beside
# it, lets it count a drawn field, and only then moves the link: what fails before leaves the running one as it is.
# POSIX sh, so that it runs before anything is installed.
set -eu
umask 022
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1

NAME=leuko-edge
ROOM_MB=700                        # the environment takes half of it, its downloads 110 MB; the rest is for the system
PATIENCE_S=60                      # until an upgraded service must run again, else the old one is put back
PYTHON=${PYTHON:-/usr/bin/python3} # Debian's own: apt's picamera2 is built for it
DESTDIR=${DESTDIR:-}               # below which everything is written; for tests
OS_RELEASE=${OS_RELEASE:-/etc/os-release}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
opt=$DESTDIR/opt/$NAME
command=$DESTDIR/usr/local/bin/$NAME
config=$DESTDIR/etc/$NAME/$NAME.toml
unit=$DESTDIR/etc/systemd/system/$NAME.service
completion=$DESTDIR/usr/local/share/bash-completion/completions/$NAME
state=$DESTDIR/var/lib/$NAME

usage() {
    cat <<'END'
Usage: sudo sh install.sh [--wheel FILE] [--offline WHEELS] [--no-start]
       sudo sh install.sh --uninstall [--purge]
       sh install.sh --paths

Installs leuko-edge, or upgrades what is installed; run it again at any time. It asks nothing.

  --wheel FILE      install this leuko_edge-*.whl; default: build it from the checkout that install.sh lies in
  --offline WHEELS  use no network: everything is taken from this folder, which fetch-wheels.sh makes elsewhere
  --no-start        install and enable the service, but do not (re)start it now
  --uninstall       remove the program, service and user; sessions, tuning and a configuration you changed stay
  --purge           with --uninstall: remove those too
  --paths           print what an installation owns, one path a line, and do nothing
  --help            print this
END
}

say() { printf '%s\n' "$*"; }

fail() { # SENTENCE: say what is wrong and what to do, and end; `on_exit` undoes what was begun
    printf 'install.sh: %s\n' "$*" >&2
    exit 4
}

wrong() {
    printf 'install.sh: %s\n' "$*; sh install.sh --help lists the options" >&2
    exit 2
}

# --- What is checked before anything is touched ------------------------------------------------------------------

check_machine() {
    arch=$(dpkg --print-architecture 2>/dev/null) ||
        fail "this is no Debian system (it has no dpkg); flash Raspberry Pi OS (64-bit), or install Debian 12 or 13"
    case $arch in
    arm64 | amd64) ;;
    armhf | armel | i386)
        kernel=$(uname -m 2>/dev/null) || kernel=''
        case $kernel in aarch64 | x86_64) kernel=", though its kernel is 64-bit" ;; *) kernel='' ;; esac
        fail "this is a 32-bit system ($arch$kernel), and the network's runtime exists for 64 bits only; flash" \
            "'Raspberry Pi OS (64-bit)' with Raspberry Pi Imager (for a Pi 3, 4, 5 or Zero 2 W) and run this there"
        ;;
    *) fail "this machine's architecture is $arch, and the network's runtime exists for arm64 and amd64 only" ;;
    esac
    [ -r "$OS_RELEASE" ] || fail "$OS_RELEASE cannot be read, so the system is unknown; Debian 12 or newer is needed"
    # shellcheck disable=SC1090  # its variables are the system's name and number
    release=$(. "$OS_RELEASE" && printf '%s %s' "${ID:-unknown}" "${VERSION_ID:-}")
    # shellcheck disable=SC1090
    pretty=$(. "$OS_RELEASE" && printf '%s' "${PRETTY_NAME:-${ID:-an unknown system}}")
    number=${release#* }
    case ${release%% *} in
    debian | raspbian) ;;
    *) fail "this is $pretty; install.sh knows Raspberry Pi OS and Debian 12 or newer; on another system with Python 3.11" \
        "make a virtual environment and run: pip install . (in the checkout)" ;;
    esac
    case $number in
    12) locked=$here/locks/bookworm.txt ;;
    '' | 1[3-9] | [2-9]?) locked=$here/locks/trixie.txt ;;
    *) fail "this is $pretty, which is too old; flash Raspberry Pi OS (64-bit), which is Debian 12 or newer" ;;
    esac
}

check_root() {
    [ "$(id -u)" = 0 ] || fail "this needs root; run: sudo sh $0 $*"
}

check_room() {
    mkdir -p "$(dirname -- "$opt")"
    free_mb=$(df -Pm "$(dirname -- "$opt")" | awk 'NR == 2 { print $4 }')
    [ "$free_mb" -ge "$ROOM_MB" ] ||
        fail "$free_mb MB are free for /opt and $ROOM_MB MB are needed; free some (sudo apt-get clean), or use a larger card"
}

check_parts() {
    for part in "$NAME.toml" "$NAME.service" completion.bash "locks/$(basename -- "$locked")" locks/build.txt locks/pip.txt; do
        [ -r "$here/$part" ] || fail "$here/$part is missing; keep install.sh in its folder, in a complete checkout"
    done
    if [ -e "$opt" ] && [ ! -L "$opt" ]; then
        fail "/opt/$NAME is there and was not made by install.sh; move it away and run this again"
    fi
}

find_wheel() { # sets wheel, or leaves it empty where it is to be built from the checkout
    if [ -n "$offline" ]; then
        [ -d "$offline" ] || fail "$offline is no folder; --offline takes the one that fetch-wheels.sh made"
        offline=$(CDPATH='' cd -- "$offline" && pwd)
        pip_wheel=$(only "$offline" 'pip-*.whl')
        sum=$(sha256sum <"$pip_wheel" | cut -d ' ' -f 1) # nobody but us can check what checks all the others
        grep -q "sha256:$sum" "$here/locks/pip.txt" ||
            fail "$(basename -- "$pip_wheel") is not the one that locks/pip.txt names; make the folder again with fetch-wheels.sh"
        [ -n "$wheel" ] || wheel=$(only "$offline" 'leuko_edge-*.whl')
    elif [ -z "$wheel" ] && [ ! -r "$here/../pyproject.toml" ]; then
        fail "there is no checkout around install.sh to build from; name a wheel with --wheel FILE, or use --offline WHEELS"
    fi
    [ -z "$wheel" ] || [ -r "$wheel" ] || fail "the wheel $wheel cannot be read; check its name"
}

only() { # FOLDER PATTERN: the one file there that fits
    found=$(find "$1" -maxdepth 1 -name "$2")
    [ -n "$found" ] || fail "$1 holds no $2; make the folder again with fetch-wheels.sh"
    [ "$(printf '%s\n' "$found" | wc -l)" = 1 ] || fail "$1 holds several $2; leave only the one to install"
    printf '%s' "$found"
}

# --- apt -----------------------------------------------------------------------------------------------------------

has_package() { dpkg-query -W -f '${db:Status-Abbrev}\n' "$1" 2>/dev/null | grep -q '^ii'; }

apt_get() { apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" </dev/null >"$work/log" 2>&1; }

last_line() { # [PATTERN]: why it failed, in the words of the program that did: its last line, of those that fit
    { grep -E "${1:-.}" "$work/log" || grep . "$work/log" || echo "without a word"; } | tail -n 1 | cut -c 1-300
}

install_packages() {
    needed=python3
    [ -n "$offline" ] || needed="python3 python3-venv" # offline the folder brings pip itself
    missing=''
    for package in $needed; do has_package "$package" || missing="$missing $package"; done
    if [ -n "$offline" ]; then
        [ -z "$missing" ] || fail "not installed, and --offline fetches nothing:$missing; run once with a network: sudo apt-get install$missing"
        has_package python3-picamera2 || say "picamera2   not installed: a camera on the ribbon cable cannot be used; USB cameras can"
        return 0
    fi
    if [ -n "$missing" ] || [ -z "$(find /var/lib/apt/lists -name '*_Packages*' 2>/dev/null | head -n 1)" ]; then
        # Without the option a host that cannot be reached is no error, and old lists go on being used.
        apt_get -o APT::Update::Error-Mode=any update || [ -z "$missing" ] ||
            fail "apt-get update failed ($(last_line '^[EW]:')); check the network and the clock (date), or use --offline WHEELS"
    fi
    if has_package python3-picamera2; then
        say "picamera2   there"
    elif apt-cache policy python3-picamera2 2>/dev/null | grep -q 'Candidate: [0-9]'; then
        missing="$missing python3-picamera2"
    else
        say "picamera2   not among this system's packages (Raspberry Pi OS has it): left out; USB cameras need none"
    fi
    if [ -n "$missing" ]; then
        # shellcheck disable=SC2086  # a list
        apt_get install --no-install-recommends $missing ||
            fail "apt-get could not install$missing ($(last_line '^E:')); check the network, or run: sudo apt-get -f install"
        say "packages   $missing installed"
    else
        say "packages    nothing to install"
    fi
}

check_python() {
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        fail "$PYTHON is missing or older than 3.11; flash Raspberry Pi OS (64-bit), which is Debian 12 or newer"
}

# --- The new environment, beside the one in force --------------------------------------------------------------------

pip() {
    if [ -n "$offline" ]; then
        PYTHONPATH=$pip_wheel "$new/bin/python" -m pip "$@" </dev/null >"$work/log" 2>&1
    else
        "$new/bin/python" -m pip "$@" </dev/null >"$work/log" 2>&1
    fi
}

build_environment() {
    new=$opt.$((${old##*.} + 1))
    rm -rf "$new" # of a run that lost its power
    sees=''
    # libcamera and picamera2 come from apt alone, so the environment must see the system's packages.
    if "$PYTHON" -c 'import importlib.util as u, sys; sys.exit(not any(map(u.find_spec, ("picamera2", "libcamera"))))'; then
        sees=--system-site-packages
    fi
    say "environment $new${sees:+, with the packages of the system}; this takes some minutes"
    # shellcheck disable=SC2086  # empty or one option
    "$PYTHON" -m venv $sees ${offline:+--without-pip} "$new" >"$work/log" 2>&1 ||
        fail "the Python environment could not be made ($(last_line)); run: sudo apt-get install --reinstall python3-venv"
    if [ -z "$wheel" ]; then
        build_wheel || fail "the checkout could not be built ($(last_line ERROR)); check the network, or name a wheel with --wheel FILE"
        wheel=$(only "$work" 'leuko_edge-*.whl')
    fi
    # No package is ever compiled here: that takes a Pi hours and then fails. None is taken whose hash is not in the lock.
    pip install -q --only-binary :all: --require-hashes -r "$locked" ${offline:+--no-index --find-links "$offline"} ||
        fail "pip could not install what $(basename -- "$wheel") needs ($(last_line ERROR)); check ${offline:-the network}, and run this again"
    # It asks for nothing that is not there by now; else it is not the version that this lock was made for.
    pip install -q --no-index "$wheel" ||
        fail "pip could not install $(basename -- "$wheel") ($(last_line ERROR)); take the install.sh of its own version"
}

build_wheel() { # of the checkout, into $work, by tools whose hashes are locked too
    "$PYTHON" -m venv "$work/build" >"$work/log" 2>&1 &&
        "$work/build/bin/python" -m pip install -q --only-binary :all: --require-hashes -r "$here/locks/build.txt" \
            </dev/null >"$work/log" 2>&1 &&
        "$work/build/bin/python" -m pip wheel -q --no-deps --no-build-isolation -w "$work" "$here/.." \
            </dev/null >"$work/log" 2>&1
}

try_environment() {
    if ! { "$new/bin/python" -m leuko_edge.simulate.demo --cells 5 "$work/drawn" &&
        "$new/bin/$NAME" --image "$work/drawn" --quiet --json "$work/drawn.json"; } >"$work/log" 2>&1; then
        fail "what was installed cannot count a drawn field ($(last_line)); use another wheel, or report this"
    fi
    version=$("$new/bin/$NAME" --version)
    say "tried       $version counts a drawn field"
    if [ -n "$sees" ] && ! "$new/bin/python" -c 'import picamera2' >"$work/log" 2>&1; then
        say "picamera2   cannot be used here ($(last_line)); USB cameras can"
    fi
    mkdir -p "$new/share/$NAME"
    for part in install.sh "$NAME.toml" "$NAME.service" completion.bash locks; do
        cp -R "$here/$part" "$new/share/$NAME/"
    done
    # On a device `camera tune` writes where the service reads, and `sessions` reads where it writes, whoever runs them.
    sed -i -e "s|^#\(tuning = \"/var/lib/$NAME/camera.json\"\)|\1|" \
        -e "s|^#\(database = \"/var/lib/$NAME/sessions.sqlite3\"\)|\1|" "$new/share/$NAME/$NAME.toml"
}

# --- Putting it in force: each step notes how it is undone --------------------------------------------------------------

put() { # SOURCE TARGET: copy it there, root's and readable by all
    keep "$2"
    install -D -m 0644 "$1" "$2"
}

keep() { # TARGET: note how it was
    kept=$((kept + 1))
    if [ -e "$1" ] || [ -L "$1" ]; then
        cp -Pp "$1" "$work/kept.$kept"
        printf 'restore %s %s\n' "$kept" "$1" >>"$work/undo"
    else
        printf 'remove - %s\n' "$1" >>"$work/undo"
    fi
}

undo_all() {
    [ -s "$work/undo" ] || return 0
    tac "$work/undo" | while read -r how which target; do
        case $how in
        remove) rm -f "$target" ;;
        restore) mv -fT "$work/kept.$which" "$target" ;;
        user) remove_user ;;
        state) rmdir "$target" 2>/dev/null || true ;;
        enabled) systemctl -q disable "$NAME" 2>/dev/null || true ;;
        esac
    done
    rmdir "$(dirname -- "$config")" 2>/dev/null || true
    if has_systemd; then systemctl daemon-reload || true; fi
}

has_systemd() { [ -n "$(command -v systemctl)" ] && [ -d "$DESTDIR/run/systemd/system" ]; }

make_user() {
    if ! getent passwd "$NAME" >/dev/null; then
        useradd --system --user-group --home-dir "/var/lib/$NAME" --no-create-home --shell /usr/sbin/nologin "$NAME" ||
            fail "the user $NAME could not be made; look at /etc/passwd and /etc/group for what is in the way"
        printf 'user - -\n' >>"$work/undo"
    fi
    # Cameras and the memory that libcamera takes pictures in. Not the consoles: the unit gives it the one it shows on.
    if getent group video >/dev/null; then usermod -aG video "$NAME"; fi
    # It was in the group of all terminals until version 0.1: who is in it can write on everybody's.
    if getent group tty | grep -Eq "[:,]$NAME(,|\$)"; then gpasswd -d "$NAME" tty >/dev/null; fi
    # Whoever installs may also watch (leuko-edge attach) and look for cameras without sudo.
    person=${SUDO_USER:-root}
    if [ "$person" != root ] && getent passwd "$person" >/dev/null; then
        usermod -aG "$NAME,video" "$person"
        say "you         $person is in the groups $NAME and video, from the next login on"
    fi
    if [ ! -d "$state" ]; then
        mkdir -p "$state"
        printf 'state - %s\n' "$state" >>"$work/undo"
    fi
    chmod 0750 "$state"
    chown -R "$NAME:$NAME" "$state" # also what an uninstall left to root
    say "user        $NAME, in the groups of the cameras; its data is in /var/lib/$NAME"
}

put_configuration() {
    shipped=$new/share/$NAME/$NAME.toml
    if [ ! -e "$config" ]; then
        put "$shipped" "$config"
        say "config      /etc/$NAME/$NAME.toml, with the defaults"
    elif cmp -s "$shipped" "$config"; then
        say "config      /etc/$NAME/$NAME.toml is as shipped"
    else
        put "$shipped" "$config.example"
        say "config      /etc/$NAME/$NAME.toml is yours and was left alone; the defaults of this version: $NAME.toml.example"
    fi
}

put_in_force() {
    put "$here/$NAME.service" "$unit"
    put "$here/completion.bash" "$completion"
    mkdir -p "$(dirname -- "$command")"
    keep "$command"
    ln -sfn "/opt/$NAME/bin/$NAME" "$command"
    keep "$opt"
    ln -sfn "$(basename -- "$new")" "$work/link"
    mv -T "$work/link" "$opt" # in one step: there is always one in force
    say "command     /usr/local/bin/$NAME, with completion in bash"
}

start() {
    if [ -z "$(command -v systemctl)" ]; then
        say "service     there is no systemd here: the unit is in place, but not enabled"
        return 0
    fi
    if ! systemctl -q is-enabled "$NAME" 2>/dev/null; then
        printf 'enabled - -\n' >>"$work/undo"
        systemctl -q enable "$NAME" >"$work/log" 2>&1 || fail "the service could not be enabled ($(last_line))"
    fi
    if ! has_systemd; then
        say "service     enabled; systemd does not run here (a chroot?), so it starts with the next boot"
        return 0
    fi
    systemctl daemon-reload || fail "systemd does not take the unit; see: journalctl -b -u $NAME"
    if [ -n "$no_start" ]; then
        say "service     enabled, not started (--no-start)"
        return 0
    fi
    if on_first_console; then
        say "service     enabled; you are on the first console, which the counter takes: start it with sudo reboot"
        return 0
    fi
    systemctl restart --no-block "$NAME" || fail "the service could not be started; see: systemctl status $NAME"
    await_service
}

on_first_console() { # whether this runs below a login there, which starting the service ends
    pid=$$
    while [ "$pid" -gt 1 ]; do
        # shellcheck disable=SC2046  # words: state, parent, group, session, terminal (major 4, minor 1), …
        set -- $(sed 's/.*) //' "/proc/$pid/stat")
        [ "$5" != 1025 ] || return 0
        pid=$2
    done
    return 1
}

await_service() {
    patience=15 # seconds; a first start may rightly wait for a camera
    [ "$was" != active ] || patience=$PATIENCE_S
    while [ "$patience" -gt 0 ]; do
        case $(systemctl is-active "$NAME") in active | failed) break ;; esac
        sleep 1
        patience=$((patience - 1))
    done
    now=$(systemctl show -P ActiveState "$NAME")
    status=$(systemctl show -P StatusText "$NAME")
    # One that lives and says what it waits for, a camera say, is up; one that was started again and again is not.
    progress="$(systemctl show -P SubState "$NAME"), $(systemctl show -P NRestarts "$NAME") restarts"
    if [ "$was" = active ] && [ "$now" != active ] && [ "$progress" != "start, 0 restarts" ]; then
        restart_old=yes
        fail "the new version does not come up (${status:-$now}) where the old one ran, so the old one was put back;" \
            "see: journalctl -u $NAME"
    fi
    say "service     enabled, $now${status:+: $status}"
}

tidy() { # environments that nobody runs from any more
    [ -z "$no_start" ] || [ "$was" != active ] || return 0
    for folder in "$opt".*; do
        [ "$folder" = "$new" ] || rm -rf "$folder"
    done
}

do_install() {
    check_machine
    check_root "$@"
    check_parts
    find_wheel
    check_room
    lock
    old=$(readlink "$opt") || old=''
    was=''
    if has_systemd; then was=$(systemctl is-active "$NAME" 2>/dev/null) || true; fi
    rm -rf "$(dirname -- "$opt")/.$NAME-install."* # of a run that lost its power
    work=$(mktemp -d "$(dirname -- "$opt")/.$NAME-install.XXXXXX")
    export TMPDIR="$work" # not /tmp, which is memory on some systems
    trap on_exit EXIT
    trap 'exit 130' HUP INT TERM
    install_packages
    check_python
    build_environment
    try_environment
    make_user
    put_configuration
    put_in_force
    start
    finished=yes
    tidy
    size_mb=$(du -sm "$new" | cut -f 1)
    say "installed   $version in /opt/$NAME ($size_mb MB)"
    say "next        plug the camera in and run: sudo $NAME doctor"
    say "            then, with an empty field in view: sudo systemctl stop $NAME; sudo $NAME camera tune;" \
        "sudo systemctl start $NAME"
}

on_exit() {
    code=$?
    trap - EXIT HUP INT TERM
    if [ "$finished" != yes ]; then
        outcome="nothing was installed"
        [ -z "$old" ] || outcome="the installed version is as it was"
        undo_all
        [ -z "$new" ] || rm -rf "$new"
        if [ -n "$restart_old" ]; then
            systemctl reset-failed "$NAME" || true # else the starts of the new one count against it
            systemctl restart --no-block "$NAME" || true
        fi
        printf 'install.sh: undone; %s\n' "$outcome" >&2
    fi
    rm -rf "$work"
    exit "$code"
}

lock() {
    exec 9<"$(dirname -- "$opt")"
    flock -n 9 || fail "another install.sh is running; wait until it has ended"
}

# --- Removing -----------------------------------------------------------------------------------------------------------

remove_user() {
    if getent passwd "$NAME" >/dev/null; then userdel "$NAME" >/dev/null 2>&1 || true; fi
    if getent group "$NAME" >/dev/null; then groupdel "$NAME" >/dev/null 2>&1 || true; fi
}

owned() { # what an installation owns, but for data and configuration; `--paths` prints it and do_uninstall removes it
    printf '%s\n' "$command" "$unit" "$completion" "$config.example"
    find "$(dirname -- "$opt")" -maxdepth 1 \
        \( -name "$NAME" -o -name "$NAME.[0-9]*" -o -name ".$NAME-install.*" \) 2>/dev/null | sort
}

do_uninstall() {
    check_root "$@"
    lock
    if [ -n "$(command -v systemctl)" ] && [ -e "$unit" ]; then
        if has_systemd; then systemctl -q stop "$NAME" || true; fi
        systemctl -q disable "$NAME" 2>/dev/null || true
        # The login that the counter's display had displaced.
        if has_systemd; then systemctl -q start --no-block getty@tty1 2>/dev/null || true; fi
    fi
    # What a person wrote stays; what nobody touched is no configuration of theirs.
    if cmp -s "$opt/share/$NAME/$NAME.toml" "$config" 2>/dev/null; then rm -f "$config"; fi
    owned | while read -r path; do
        [ -e "$path" ] || [ -L "$path" ] || continue
        rm -rf "$path"
        say "removed     ${path#"$DESTDIR"}"
    done
    rmdir -p "$(dirname -- "$completion")" 2>/dev/null || true # where nothing else is in them
    if has_systemd; then
        systemctl daemon-reload
        systemctl reset-failed "$NAME" 2>/dev/null || true
    fi
    if [ -n "$purge" ]; then
        rm -rf "$state" "$(dirname -- "$config")" "$unit.d"
        say "removed     /var/lib/$NAME, /etc/$NAME: sessions, tuning, configuration"
    else
        rmdir "$state" "$(dirname -- "$config")" 2>/dev/null || true
        if [ -d "$state" ]; then # the user's number may go to somebody else, who must not read them
            chown -R 0:0 "$state"
            chmod 0700 "$state"
            say "kept        /var/lib/$NAME: sessions and tuning, now root's; --uninstall --purge removes them"
        fi
        [ ! -e "$config" ] || say "kept        /etc/$NAME/$NAME.toml, which you changed"
    fi
    remove_user
    say "uninstalled $NAME; packages that apt installed stay, as other programs may use them"
}

wheel='' offline='' no_start='' uninstall='' purge='' paths=''
work='' new='' old='' finished='' restart_old='' pip_wheel='' kept=0
given="$*"
while [ $# -gt 0 ]; do
    case $1 in
    --wheel | --offline)
        [ -n "${2:-}" ] || wrong "$1 needs a name"
        case $1 in --wheel) wheel=$2 ;; *) offline=$2 ;; esac
        shift
        ;;
    --no-start) no_start=yes ;;
    --uninstall) uninstall=yes ;;
    --purge) purge=yes ;;
    --paths) paths=yes ;;
    --help | -h)
        usage
        exit 0
        ;;
    *) wrong "$1 is no option" ;;
    esac
    shift
done
[ -z "$purge" ] || [ -n "$uninstall" ] || wrong "--purge goes with --uninstall"
[ -z "$uninstall" ] || [ -z "$wheel$offline$no_start" ] || wrong "--uninstall takes no option but --purge"

if [ -n "$paths" ]; then
    owned
elif [ -n "$uninstall" ]; then
    do_uninstall "$given"
else
    do_install "$given"
fi
