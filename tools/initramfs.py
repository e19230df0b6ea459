# SPDX-License-Identifier: BSD-2-Clause
"""Initramfs images without root: a cpio (newc) writer, and functions to find files of unpacked
packages.

The same input makes the same bytes: entries are sorted, times are zero, owners are root. Archives
are not compressed, because under an emulator unpacking costs far more than copying more bytes. The
kernel unpacks all archives of one image in turn, so `cat` can join an image from parts.
"""
import collections
import os
import stat
import struct

TOP = os.path.relpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

# Per width: Debian's name of the library folders, the dynamic loader, the folder of the kernel.
Width = collections.namedtuple("Width", "name triplet loader kernel")
WIDTHS = {
    "arm64": Width("arm64", "aarch64-linux-gnu", "ld-linux-aarch64.so.1",
                   os.path.join(TOP, "build/kernel/cloud")),
    "arm32": Width("arm32", "arm-linux-gnueabihf", "ld-linux-armhf.so.3",
                   os.path.join(TOP, "build/kernel/armmp-lpae")),
}


class Archive:
    """Collect entries by path, then write them sorted; folders above an entry are added."""

    def __init__(self):
        self.entries = {}

    def _add(self, path, mode, data=b"", device=(0, 0)):
        path = path.strip("/")
        parent = os.path.dirname(path)
        if parent and parent not in self.entries:
            self.folder(parent)
        self.entries[path] = (mode, data, device)

    def folder(self, path, mode=0o755):
        self._add(path, stat.S_IFDIR | mode)

    def data(self, path, data, mode=0o644):
        self._add(path, stat.S_IFREG | mode, data.encode() if isinstance(data, str) else data)

    def file(self, path, source, mode=None):
        """Copy SOURCE (links followed) to PATH. Without MODE it is executable if SOURCE is."""
        with open(source, "rb") as f:
            data = f.read()
        if mode is None:
            mode = 0o755 if os.stat(source).st_mode & 0o100 else 0o644
        self.data(path, data, mode)

    def link(self, path, target):
        self._add(path, stat.S_IFLNK | 0o777, target.encode())

    def device(self, path, major, minor, mode=0o600):
        self._add(path, stat.S_IFCHR | mode, device=(major, minor))

    def write(self, out_path):
        tmp = out_path + ".tmp"
        os.makedirs(os.path.dirname(out_path) or ".", exist_ok=True)
        with open(tmp, "wb") as f:
            for inode, path in enumerate(sorted(self.entries), 1):
                f.write(_record(inode, path, *self.entries[path]))
            f.write(_record(0, "TRAILER!!!", 0, b"", (0, 0)))
            f.write(b"\0" * (-f.tell() % 512))
        os.rename(tmp, out_path)
        return os.path.getsize(out_path)


def _record(inode, path, mode, data, device):
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (inode, mode, 0, 0, links, 0, len(data), 0, 0, device[0], device[1], len(name), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


# By ELF class (1: 32-bit, 2: 64-bit): formats of a section header, of an entry of the dynamic
# section and of an offset; then, in the file's header, where the offset of the section headers is,
# and where their size, count and the index of their names are.
ELF_CLASSES = {1: ("<10I", "<II", "<I", 0x20, 0x2E), 2: ("<IIQQQQIIQQ", "<QQ", "<Q", 0x28, 0x3A)}


def _elf_sections(image):
    """(name, type, file offset, size, link) of each section of a little-endian ELF file."""
    if image[:4] != b"\x7fELF" or image[5] != 1:
        return []
    header, _, place, place_at, size_at = ELF_CLASSES[image[4]]
    (table,) = struct.unpack_from(place, image, place_at)
    size, count, names = struct.unpack_from("<HHH", image, size_at)
    raw = [struct.unpack_from(header, image, table + i * size) for i in range(count)]
    if not raw:
        return []
    strings = raw[names][4]
    return [(_string(image, strings + s[0]), s[1], s[4], s[5], s[6]) for s in raw]


def _string(image, offset):
    return image[offset:image.index(b"\0", offset)].decode()


def needed_libraries(path):
    """The DT_NEEDED entries of an ELF file; an empty list for a script or a static program."""
    with open(path, "rb") as f:
        image = f.read()
    sections = _elf_sections(image)
    for _, kind, offset, size, link in sections:
        if kind == 6:  # SHT_DYNAMIC
            strings = sections[link][2]
            pairs = struct.iter_unpack(ELF_CLASSES[image[4]][1], image[offset:offset + size])
            return [_string(image, strings + value) for tag, value in pairs if tag == 1]
    return []


def library_closure(programs, folders):
    """{soname: path} of all libraries that PROGRAMS need, searched in FOLDERS in order."""
    found, queue = {}, list(programs)
    while queue:
        for name in needed_libraries(queue.pop()):
            if name in found:
                continue
            for folder in folders:
                candidate = os.path.join(folder, name)
                if os.path.exists(candidate):
                    found[name] = candidate
                    queue.append(candidate)
                    break
            else:
                raise FileNotFoundError(f"library {name} is in none of: {' '.join(folders)}")
    return found


def module_order(modules, names):
    """Paths of the kernel modules NAMES and of their dependencies, each after those that it needs.

    Packages have no modules.dep: depmod makes it during installation. So the dependencies are read
    from the modules. A name without a file is skipped: the code is built into the kernel, or
    absent.
    """
    files = {}
    for folder, _, leaves in os.walk(modules):
        for leaf in leaves:
            if leaf.endswith(".ko"):
                files[leaf[:-3].replace("-", "_")] = os.path.join(folder, leaf)
    order = []

    def visit(name):
        path = files.get(name.replace("-", "_"))
        if path is None or path in order:
            return
        for dependency in _module_depends(path):
            visit(dependency)
        order.append(path)

    for name in names:
        visit(name)
    return order


def _module_depends(path):
    with open(path, "rb") as f:
        image = f.read()
    for name, _, offset, size, _ in _elf_sections(image):
        if name == ".modinfo":
            for field in image[offset:offset + size].split(b"\0"):
                if field.startswith(b"depends="):
                    return [d for d in field[8:].decode().split(",") if d]
    return []
