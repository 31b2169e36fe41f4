# Sourced by the targets of the Makefile: what each of them does before its own work.
# Every function may be called again and then only looks.

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
fail() {
  printf 'pail: %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '      %s\n' "$line" >&2; done
  exit 1
}

BUILD_PACKAGES=(libcurl4-openssl-dev libncurses-dev libssl-dev libexpat1-dev libsqlite3-dev
  pkg-config git ca-certificates)
PYTHON_PACKAGES=(python3 python3-venv)

# need_packages NAME…: Debian packages, installed when absent.
need_packages() {
  local name absent=() root=()
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    fail "this is no Debian or Ubuntu, so its packages cannot be installed here" \
      "Install what corresponds to $*, then run: swift build"
  fi
  for name in "$@"; do
    [[ "$(dpkg-query -W -f '${Status}' "$name" 2>/dev/null)" == 'install ok installed' ]] ||
      absent+=("$name")
  done
  ((${#absent[@]})) || return 0
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      fail "these packages are missing, and there is no sudo" \
        "As root, run: apt-get install ${absent[*]}"
    root=(sudo)
  fi
  say "Installing the Debian packages ${absent[*]}"
  "${root[@]}" apt-get update -q ||
    fail "apt-get update failed" "Look at /etc/apt/sources.list and at the network, then run this again."
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${absent[@]}" ||
    fail "apt-get could not install ${absent[*]}" "Its messages above say why; then run this again."
}

# need_swift: a Swift toolchain of version 6.1 or later on the PATH.
need_swift() {
  local version
  command -v swift >/dev/null ||
    fail "there is no swift on the PATH" "Install Swift 6 as https://www.swift.org/install/linux/ says."
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
  case $version in
    6.[1-9]* | [7-9].* | [1-9][0-9].*) ;;
    *) fail "swift is version ${version:-unknown}; Pail needs 6.1 or later" \
      "Install it as https://www.swift.org/install/linux/ says." ;;
  esac
}

# link_options: sets LINK_OPTIONS to how the release binary is linked.
#
# Stripped, and looking for libraries where the system has them, not beside itself, where somebody
# might have left one. Where it can be, with its 100,000 places that depend on where it is loaded as
# a bitmap (RELR, which glibc reads since 2.36) and not as a list, and without the names of its
# functions for libraries, none of which asks: 4 MiB less of every process's memory, and a quicker
# start.
link_options() {
  local glibc
  LINK_OPTIONS=(--disable-local-rpath -Xlinker -s)
  glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null)
  [[ -x $(dirname "$(readlink -f "$(command -v swift)")")/ld.lld ]] || return 0
  printf '2.36\n%s\n' "${glibc#glibc }" | sort -C -V || return 0
  LINK_OPTIONS+=(-Xswiftc -use-ld=lld -Xlinker --no-export-dynamic
    -Xlinker -z -Xlinker pack-relative-relocs)
}

# python_venv FOLDER REQUIREMENT-FILE: a private virtual environment with exactly those packages.
python_venv() {
  local folder=$1 requirements=$2 python
  cmp -s "$requirements" "$folder/installed.txt" && "$folder/bin/python" -c '' 2>/dev/null && return 0
  for python in python3 /usr/bin/python3; do
    "$python" -c 'import ensurepip, venv' 2>/dev/null && break
    python=
  done
  if [[ -z $python ]]; then
    need_packages "${PYTHON_PACKAGES[@]}"
    python=/usr/bin/python3
  fi
  say "Installing the Python packages of $requirements into $folder"
  rm -rf -- "$folder"
  "$python" -m venv "$folder" || fail "$python could not make a virtual environment in $folder" \
    "Run: apt-get install python3-venv"
  "$folder/bin/python" -m pip install -q --disable-pip-version-check -r "$requirements" ||
    fail "pip could not install $requirements" \
      "Look at the network and at pip's messages above, then run this again."
  cp "$requirements" "$folder/installed.txt"
}

# install_pail PROGRAM PREFIX: the program, and what it writes itself: manual and completions.
install_pail() {
  local program=$1 prefix=$2 made
  made=$(mktemp -d) || fail "there is no room for a temporary folder" "Look at TMPDIR."
  say "Installing pail, man pail and completions for bash, zsh and fish below $prefix"
  if ! { "$program" --generate-manual >"$made/pail.1" &&
    "$program" --generate-completion-script bash >"$made/pail.bash" &&
    "$program" --generate-completion-script zsh >"$made/pail.zsh" &&
    "$program" --generate-completion-script fish >"$made/pail.fish"; }; then
    rm -rf -- "$made"
    fail "$program could not write its manual and completions" "Run it to see why."
  fi
  if ! { install -D -m 755 "$program" "$prefix/bin/pail" &&
    install -D -m 644 "$made/pail.1" "$prefix/share/man/man1/pail.1" &&
    install -D -m 644 "$made/pail.bash" "$prefix/share/bash-completion/completions/pail" &&
    install -D -m 644 "$made/pail.zsh" "$prefix/share/zsh/site-functions/_pail" &&
    install -D -m 644 "$made/pail.fish" "$prefix/share/fish/vendor_completions.d/pail.fish"; }; then
    rm -rf -- "$made"
    fail "could not write below $prefix" \
      "Name a folder of your own, as in: make install PREFIX=~/.local, or run it with sudo."
  fi
  rm -rf -- "$made"
}
