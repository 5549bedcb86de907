#!/bin/sh
# Makes the folder for `install.sh --offline`, on any machine with a network and Python: everything that a device needs,
# for its processor and its Debian, install.sh and its files too, so that the folder on a USB stick is all.
# `fetch-wheels.sh --help` says how.
set -eu
umask 022
export LC_ALL=C.UTF-8 PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1

usage() {
    cat <<'END'
Usage: sh fetch-wheels.sh bookworm|trixie FOLDER [--arch arm64|amd64] [--wheel FILE]

Makes FOLDER for a device without a network: leuko-edge and all it needs, for Raspberry Pi OS or Debian of that name.
Then, on the device, with FOLDER on a USB stick: sudo sh FOLDER/install.sh --offline FOLDER

  --arch arm64|amd64  the device's processor; default: arm64, a Raspberry Pi's
  --wheel FILE        take this leuko_edge-*.whl; default: build it from the checkout that fetch-wheels.sh lies in
END
}

fail() {
    printf 'fetch-wheels.sh: %s\n' "$*" >&2
    exit 4
}

wrong() {
    printf 'fetch-wheels.sh: %s\n' "$*; sh fetch-wheels.sh --help lists the options" >&2
    exit 2
}

pip() { python3 -m pip "$@" </dev/null >"$work/log" 2>&1; }

last_line() {
    { grep ERROR "$work/log" || grep . "$work/log" || echo "without a word"; } | tail -n 1 | cut -c 1-300
}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
release='' folder='' arch=arm64 wheel='' work='' new=''
while [ $# -gt 0 ]; do
    case $1 in
    --arch | --wheel)
        [ -n "${2:-}" ] || wrong "$1 needs a name"
        case $1 in --arch) arch=$2 ;; *) wheel=$2 ;; esac
        shift
        ;;
    --help | -h)
        usage
        exit 0
        ;;
    -*) wrong "$1 is no option" ;;
    *)
        if [ -z "$release" ]; then release=$1; elif [ -z "$folder" ]; then folder=$1; else wrong "$1 is one word too many"; fi
        ;;
    esac
    shift
done
[ -n "$folder" ] || wrong "name the Debian release and the folder to make"
case $release in # its Python, and the glibc up to which wheels may be built for
bookworm) python=3.11 glibc=36 ;;
trixie) python=3.13 glibc=41 ;;
*) wrong "$release is not known; it is bookworm or trixie" ;;
esac
case $arch in
arm64) machine=aarch64 ;;
amd64) machine=x86_64 ;;
*) wrong "$arch is not known; it is arm64 or amd64" ;;
esac
[ ! -e "$folder" ] || fail "$folder is there already; name a folder that is not, or remove it"
python3 -m pip --version >/dev/null 2>&1 ||
    fail "python3 with pip is needed here; on Debian: sudo apt-get install python3-pip python3-venv"

mkdir -p "$(dirname -- "$folder")"
new=$(mktemp -d "$(dirname -- "$folder")/.fetch-wheels.XXXXXX") # renamed when it is complete
work=$(mktemp -d)
trap 'rm -rf "$new" "$work"' EXIT
trap 'exit 130' HUP INT TERM

if [ -z "$wheel" ]; then
    { python3 -m venv "$work/build" >"$work/log" 2>&1 &&
        "$work/build/bin/python" -m pip install -q --only-binary :all: --require-hashes -r "$here/locks/build.txt" \
            </dev/null >"$work/log" 2>&1 &&
        "$work/build/bin/python" -m pip wheel -q --no-deps --no-build-isolation -w "$new" "$here/.." \
            </dev/null >"$work/log" 2>&1; } || fail "the checkout could not be built ($(last_line)); check the network"
else
    [ -r "$wheel" ] || fail "the wheel $wheel cannot be read; check its name"
    cp "$wheel" "$new/"
fi
platforms="--platform manylinux2014_$machine"
minor=17
while [ "$minor" -le "$glibc" ]; do
    platforms="$platforms --platform manylinux_2_${minor}_$machine"
    minor=$((minor + 1))
done
# pip itself comes too, so that a device without python3-venv can install. Nothing is taken whose hash is not in the locks.
# shellcheck disable=SC2086  # a list of options
pip download --only-binary :all: --no-deps --implementation cp --python-version "$python" $platforms \
    --require-hashes -r "$here/locks/$release.txt" -r "$here/locks/pip.txt" -d "$new" ||
    fail "the packages could not be fetched ($(last_line)); check the network"
for part in install.sh leuko-edge.toml leuko-edge.service completion.bash locks; do
    cp -R "$here/$part" "$new/"
done
chmod 0755 "$new"
mv -T "$new" "$folder"
size_mb=$(du -sm "$folder" | cut -f 1)
printf '%s holds leuko-edge for %s %s (%s MB); on the device: sudo sh %s/install.sh --offline %s\n' \
    "$folder" "$release" "$arch" "$size_mb" "$folder" "$folder"
