#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Make what U-Boot boots xen-lite from: a disk image, or a folder for TFTP (docs/boot.md).

usage: uboot.py [--arch arm64|arm32] --xen FILE --kernel FILE [--initrd FILE]... [--dtb FILE]
                [--xen-args TEXT] [--dom0-args TEXT] -o IMAGE

Writes a disk image and prints how to write the image to an SD card. tools/boot.cmd is U-Boot's
script. Root is not needed: sfdisk makes the partition table, mtools the file system.
"""
import argparse
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.relpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
SCRIPT = os.path.join(TOP, "tools/boot.cmd")
FIRMWARE = {
    "arm64": "/usr/lib/u-boot/qemu_arm64/u-boot.bin", "arm32": "/usr/lib/u-boot/qemu_arm/u-boot.bin"
}
WAYS = ("direct", "uboot", "tftp")

MIB = 1 << 20
SECTOR = 512
# Free space before the partition, because many boards look for U-Boot itself there. The table is an
# MBR, because some boards need the space of a GPT for U-Boot, too.
GAP_BYTES = 16 * MIB
SPARE_BYTES = 16 * MIB
# FAT32 has at least 65525 clusters.
PARTITION_LEAST = 48 * MIB
LABEL_ID, VOLUME_ID = "0x786c7465", "786c7465"
# QEMU's `virt` board: size of the second bank of flash, and of U-Boot's environment at its start.
FLASH_BYTES, ENVIRONMENT_BYTES = 64 * MIB, 0x40000

DEFAULT_XEN_ARGS = "console=dtuart dom0_mem=512M"
DEFAULT_DOM0_ARGS = "console=hvc0 panic=-1"

# Files, and the options of the hypervisor and of the control domain's kernel. initrd may be None.
Payload = collections.namedtuple("Payload", "xen kernel initrd xen_args dom0_args")


class BootError(Exception):
    pass


def run(*command):
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, check=False)
    except FileNotFoundError:
        raise BootError(f"{command[0]} is not installed: tools/deps boot") from None
    if result.returncode:
        raise BootError(f"{' '.join(command)}: {result.stdout.strip()}")


def lay_out(folder, payload, script=SCRIPT, dtb=None):
    """Put the files of the boot partition into FOLDER, by the names that the script uses.

    DTB: a device tree that replaces the firmware's.
    """
    run("mkimage", "-A", "arm", "-T", "script", "-C", "none", "-n", "xen-lite", "-d", script,
        os.path.join(folder, "boot.scr.uimg"))
    for name, path in (("xen-lite", payload.xen), ("vmlinuz", payload.kernel),
                       ("initrd", payload.initrd), ("board.dtb", dtb)):
        if path:
            os.symlink(os.path.abspath(path), os.path.join(folder, name))
    with open(os.path.join(folder, "options.env"), "w", encoding="ascii") as out:
        out.write(f"xen_args={payload.xen_args}\ndom0_args={payload.dom0_args}\n")
        out.write("dtb=board.dtb\n" if dtb else "")


def make_disk(path, folder):
    """Make an image with an MBR and one FAT32 partition, which holds the files of FOLDER."""
    files = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    need = sum(os.path.getsize(file) for file in files) + SPARE_BYTES
    partition = max(PARTITION_LEAST, (need + MIB - 1) // MIB * MIB)
    with open(path, "wb") as image:
        image.truncate(GAP_BYTES + partition)
    with tempfile.NamedTemporaryFile("w", suffix=".sfdisk") as table:
        table.write(
            f"label: dos\nlabel-id: {LABEL_ID}\nstart={GAP_BYTES // SECTOR}, type=c, bootable\n")
        table.flush()
        run("sh", "-c", 'exec sfdisk --quiet --no-tell-kernel "$1" < "$2"', "sfdisk", path,
            table.name)
    at = f"{path}@@{GAP_BYTES}"
    run("mformat", "-i", at, "-F", "-T", str(partition // SECTOR), "-h", "255", "-s", "63",
        "-H", str(GAP_BYTES // SECTOR), "-N", VOLUME_ID, "-v", "XEN-LITE", "::")
    run("mcopy", "-i", at, *files, "::")


def default_environment(arch):
    """The variables that U-Boot was built with.

    In the binary they are a sequence of NAME=VALUE strings, one of which is bootcmd.
    """
    try:
        with open(FIRMWARE[arch], "rb") as f:
            image = f.read()
    except FileNotFoundError:
        raise BootError(f"no file {FIRMWARE[arch]}: "
                        "package u-boot-qemu is not installed (tools/deps boot)") from None
    match = re.search(rb"\0((?:\w+=[^\0]*\0)*bootcmd=[^\0]*\0(?:\w+=[^\0]*\0)+)\0", image)
    if not match:
        raise BootError(f"{FIRMWARE[arch]}: no default environment in it")
    return dict(line.split("=", 1) for line in match[1].decode().split("\0") if line)


def make_flash(path, arch, **variables):
    """Make the bank of flash with U-Boot's environment: its default one, changed by VARIABLES.

    Without bootdelay=0 in flash, U-Boot waits 2 s for a key.
    """
    environment = {**default_environment(arch), **variables}
    with tempfile.NamedTemporaryFile("w", suffix=".env") as text:
        text.writelines(f"{name}={value}\n" for name, value in environment.items())
        text.flush()
        run("mkenvimage", "-s", str(ENVIRONMENT_BYTES), "-o", path, text.name)
    os.truncate(path, FLASH_BYTES)


def arguments(way, arch, payload, folder, disk=None, **more):
    """The emulator's arguments with which U-Boot starts and finds PAYLOAD by WAY.

    DISK: an existing image, used instead of PAYLOAD. MORE: arguments of lay_out().
    """
    files, flash = os.path.join(folder, "boot"), os.path.join(folder, "flash")
    # A machine may have two network cards. U-Boot must ask first on the card that has a server.
    make_flash(flash, arch, bootdelay="0",
               **({"ethprime": "virtio-net#32"} if way == "tftp" else {}))
    line = ["-bios", FIRMWARE[arch], "-drive", f"if=pflash,index=1,format=raw,file={flash}",
            "-nic", "none"]
    if not disk:
        os.mkdir(files)
        lay_out(files, payload, **more)
    if way == "tftp":
        return line + ["-netdev", f"user,id=boot,restrict=on,tftp={files},bootfile=boot.scr.uimg",
                       "-device", "virtio-net-pci,netdev=boot,romfile="]
    if not disk:
        disk = os.path.join(folder, "disk.img")
        make_disk(disk, files)
    return line + ["-drive", f"if=none,id=boot,format=raw,readonly=on,file={disk}",
                   "-device", "virtio-blk-device,drive=boot"]


def how_to_write(path):
    return f"""{path}: {os.path.getsize(path) // MIB} MiB, an MBR and a FAT32 partition with
  boot.scr.uimg xen-lite vmlinuz initrd options.env
To write it to an SD card (its contents are lost; lsblk shows which X):
  sudo dd if={path} of=/dev/sdX bs=4M conv=fsync status=progress
For a board, not QEMU:
  - write its U-Boot where the board looks for it; the {GAP_BYTES // MIB} MiB before the partition
    are free for that
  - options.env: add dtuart=PATH to xen_args if stdout-path does not name the board's UART, and
    dtb=FILE if U-Boot has no device tree in memory
  - a kernel and an initrd with the board's drivers: tools/uboot.py --kernel FILE --initrd FILE ...,
    or copy them over vmlinuz and initrd"""


def concatenate(parts, path):
    with open(path, "wb") as out:
        for part in parts:
            with open(part, "rb") as source:
                shutil.copyfileobj(source, out, MIB)


def main():
    arch = os.environ.get("ARCH") or "arm64"
    parser = argparse.ArgumentParser(
        description="Make a disk image that U-Boot boots xen-lite from.")
    parser.add_argument("--arch", default=arch, choices=FIRMWARE)
    parser.add_argument("--xen", required=True)
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--initrd",
                        action="append",
                        default=[],
                        help="may be repeated: the files are joined")
    parser.add_argument("--dtb", help="a device tree, if U-Boot has none to pass on")
    parser.add_argument("--xen-args", default=DEFAULT_XEN_ARGS)
    parser.add_argument("--dom0-args", default=DEFAULT_DOM0_ARGS)
    parser.add_argument("-o", "--output", required=True)
    args = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="xl-image-") as folder:
            files, initrd = os.path.join(folder, "boot"), None
            os.mkdir(files)
            if args.initrd:
                initrd = os.path.join(folder, "initrd")
                concatenate(args.initrd, initrd)
            lay_out(files, Payload(args.xen, args.kernel, initrd, args.xen_args, args.dom0_args),
                    dtb=args.dtb)
            make_disk(args.output + ".new", files)
        os.replace(args.output + ".new", args.output)
    except (BootError, OSError) as error:
        sys.exit(f"uboot: {error}")
    print(how_to_write(args.output))


if __name__ == "__main__":
    main()
