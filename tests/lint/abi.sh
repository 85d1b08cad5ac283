#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# docs/ABI describes what the modules show, no more and no less, in a form that the
# kernel's own reader of such files takes; docs/architecture.md each file of the drivers.
set -u
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/tests/lib/ktap.sh"
cd "$ROOT" || exit

documented() { # PREFIX: the last parts of the paths that begin so
	sed -n "s,^What:[[:blank:]]*$1,,p" docs/ABI/* | sed 's,.*/,,' | sort
}

attributes() {
	{
		grep -ho 'DEVICE_ATTR[A-Z_]*([a-z_]*' backend/*/*.c | sed 's/.*(//' | grep -v '^name$'
		grep -ho '\<__ATTR([a-z_]*' backend/*/*.c | sed 's/.*(//'
	} | sort
}

parameters() { # FOLDER
	grep -ho '\<module_param\(_named\)\?([a-z0-9_]*' "$1"/*.c | sed 's/.*(//' | sort
}

attributes_documented() { diff <(attributes) <(documented '.*/devices/vbd-'); }
backend_documented() { diff <(parameters backend/blk) <(documented '.*/tandem_blkback/'); }
frontend_documented() { diff <(parameters frontend/blk) <(documented '.*/tandem_blkfront/'); }

complete() { # every entry has every field
	local field n

	n=$(grep -c '^What:' docs/ABI/* | awk -F: '{ sum += $2 } END { print sum }')
	for field in Date KernelVersion Contact Description; do
		[ "$(cat docs/ABI/* | grep -c "^$field:")" -eq "$n" ] || {
			echo "an entry has no $field"
			return 1
		}
	done
}

# every file of a driver is in its table of docs/architecture.md, and nothing else is
files_documented() { # FOLDER HEADING
	diff <(find "$1" -name '*.[ch]' -printf '%f\n' | sed 's/\.[ch]$//' | sort -u) \
		<(awk -v section="## $2" '/^## / { on = $0 == section }
			on && /^\| `/ { split($0, cell, "|"); print cell[2] }' docs/architecture.md |
			grep -o '[a-z][a-z-]*' | sort)
}

validates() { ! perl "$1" validate --dir docs/ABI 2>&1 | grep .; }

ktap_begin
ktap_check attributes attributes_documented
ktap_check tandem_blkback backend_documented
ktap_check tandem_blkfront frontend_documented
ktap_check complete complete
ktap_check files.backend files_documented backend/blk "The backend's objects"
ktap_check files.frontend files_documented frontend/blk "The frontend's objects"
reader=build/linux/scripts/get_abi.pl
if [ -e "$reader" ]; then
	ktap_check validates validates "$reader"
else
	ktap_skip validates "no kernel source: run scripts/setup guest-source"
fi
ktap_end
