#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What U-Boot boots xen-lite from: a disk image, or a folder for TFTP, with tools/boot.cmd as its script (docs/boot.md).

usage: uboot.py [--arch arm64|arm32] [--xen FILE] [--kernel FILE] [--initrd FILE]... [--dtb FILE] [--xen-args TEXT] [--dom0-args TEXT] -o IMAGE

writes a disk image and says how it gets onto an SD card. No root needed: sfdisk makes the partition table, mtools the file system.
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
FIRMWARE = {"arm64": "/usr/lib/u-boot/qemu_arm64/u-boot.bin", "arm32": "/usr/lib/u-boot/qemu_arm/u-boot.bin"}
WAYS = ("direct", "uboot", "tftp")

MIB = 1 << 20
SECTOR = 512
# Before the partition: where many boards look for U-Boot itself. MBR, as a GPT would lie in some boards' way.
GAP_BYTES = 16 * MIB
SPARE_BYTES = 16 * MIB
# FAT32 has at least 65525 clusters.
PARTITION_LEAST = 48 * MIB
LABEL_ID, VOLUME_ID = "0x786c7465", "786c7465"
# QEMU's `virt` board: the second bank of flash, where U-Boot keeps its environment, and how much of it.
FLASH_BYTES, ENVIRONMENT_BYTES = 64 * MIB, 0x40000

DEFAULT_XEN_ARGS = "console=dtuart dom0_mem=512M"
DEFAULT_DOM0_ARGS = "console=hvc0 panic=-1"

# Files, and the options of the hypervisor and of the control domain's kernel. initrd may be None.
Payload = collections.namedtuple("Payload", "xen kernel initrd xen_args dom0_args")


class BootError(Exception):
    pass


def run(*command):
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    except FileNotFoundError:
        raise BootError(f"{command[0]} is not installed: tools/deps boot") from None
    if result.returncode:
        raise BootError(f"{' '.join(command)}: {result.stdout.strip()}")


def lay_out(folder, payload, script=SCRIPT, dtb=None):
    """The files of the boot partition, by the names that the script knows. DTB: a device tree, in the place of firmware's."""
    run("mkimage", "-A", "arm", "-T", "script", "-C", "none", "-n", "xen-lite", "-d", script, os.path.join(folder, "boot.scr.uimg"))
    for name, path in (("xen-lite", payload.xen), ("vmlinuz", payload.kernel), ("initrd", payload.initrd), ("board.dtb", dtb)):
        if path:
            os.symlink(os.path.abspath(path), os.path.join(folder, name))
    with open(os.path.join(folder, "options.env"), "w", encoding="ascii") as out:
        out.write(f"xen_args={payload.xen_args}\ndom0_args={payload.dom0_args}\n" + ("dtb=board.dtb\n" if dtb else ""))


def make_disk(path, folder):
    """An image with an MBR and one FAT32 partition, which holds what is in FOLDER."""
    files = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    need = sum(os.path.getsize(file) for file in files) + SPARE_BYTES
    partition = max(PARTITION_LEAST, (need + MIB - 1) // MIB * MIB)
    with open(path, "wb") as image:
        image.truncate(GAP_BYTES + partition)
    with tempfile.NamedTemporaryFile("w", suffix=".sfdisk") as table:
        table.write(f"label: dos\nlabel-id: {LABEL_ID}\nstart={GAP_BYTES // SECTOR}, type=c, bootable\n")
        table.flush()
        run("sh", "-c", 'exec sfdisk --quiet --no-tell-kernel "$1" < "$2"', "sfdisk", path, table.name)
    at = f"{path}@@{GAP_BYTES}"
    run("mformat", "-i", at, "-F", "-T", str(partition // SECTOR), "-h", "255", "-s", "63", "-H", str(GAP_BYTES // SECTOR),
        "-N", VOLUME_ID, "-v", "XEN-LITE", "::")
    run("mcopy", "-i", at, *files, "::")


def default_environment(arch):
    """The variables that U-Boot was built with: the run of NAME=VALUE strings that has bootcmd in it."""
    try:
        with open(FIRMWARE[arch], "rb") as f:
            image = f.read()
    except FileNotFoundError:
        raise BootError(f"no file {FIRMWARE[arch]}: package u-boot-qemu is not installed (tools/deps boot)") from None
    match = re.search(rb"\0((?:\w+=[^\0]*\0)*bootcmd=[^\0]*\0(?:\w+=[^\0]*\0)+)\0", image)
    if not match:
        raise BootError(f"{FIRMWARE[arch]}: no default environment in it")
    return dict(line.split("=", 1) for line in match[1].decode().split("\0") if line)


def make_flash(path, arch, **variables):
    """The bank of flash with U-Boot's environment: its own but for VARIABLES. Without it, U-Boot waits 2 s for a key."""
    environment = {**default_environment(arch), **variables}
    with tempfile.NamedTemporaryFile("w", suffix=".env") as text:
        text.writelines(f"{name}={value}\n" for name, value in environment.items())
        text.flush()
        run("mkenvimage", "-s", str(ENVIRONMENT_BYTES), "-o", path, text.name)
    os.truncate(path, FLASH_BYTES)


def arguments(way, arch, payload, folder, disk=None, **more):
    """The emulator's arguments to start U-Boot, and to have it find PAYLOAD by WAY. DISK: an image made before, in PAYLOAD's place;
    MORE: lay_out's."""
    files, flash = os.path.join(folder, "boot"), os.path.join(folder, "flash")
    # With another network card in the machine, U-Boot asks the one first that there is a server for.
    make_flash(flash, arch, bootdelay="0", **({"ethprime": "virtio-net#32"} if way == "tftp" else {}))
    line = ["-bios", FIRMWARE[arch], "-drive", f"if=pflash,index=1,format=raw,file={flash}", "-nic", "none"]
    if not disk:
        os.mkdir(files)
        lay_out(files, payload, **more)
    if way == "tftp":
        return line + ["-netdev", f"user,id=boot,restrict=on,tftp={files},bootfile=boot.scr.uimg",
                       "-device", "virtio-net-pci,netdev=boot,romfile="]
    if not disk:
        disk = os.path.join(folder, "disk.img")
        make_disk(disk, files)
    return line + ["-drive", f"if=none,id=boot,format=raw,readonly=on,file={disk}", "-device", "virtio-blk-device,drive=boot"]


def how_to_write(path):
    return f"""{path}: {os.path.getsize(path) // MIB} MiB, an MBR and a FAT32 partition (boot.scr.uimg xen-lite vmlinuz initrd options.env)
Onto an SD card, all of which is lost (lsblk says which X):
  sudo dd if={path} of=/dev/sdX bs=4M conv=fsync status=progress
For a board, not QEMU:
  - its U-Boot goes where the board looks for it; the {GAP_BYTES // MIB} MiB before the partition are free for that
  - options.env: xen_args with the board's UART (dtuart=PATH) if stdout-path does not name it, dtb=FILE for a device tree beside it
  - a kernel and an initrd with the board's drivers: tools/uboot.py --kernel FILE --initrd FILE ..., or copy them over vmlinuz and initrd"""


def concatenate(parts, path):
    with open(path, "wb") as out:
        for part in parts:
            with open(part, "rb") as source:
                shutil.copyfileobj(source, out, MIB)


def main():
    arch = os.environ.get("ARCH") or "arm64"
    parser = argparse.ArgumentParser(description="Make a disk image that U-Boot boots xen-lite from.")
    parser.add_argument("--arch", default=arch, choices=FIRMWARE)
    parser.add_argument("--xen", required=True)
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--initrd", action="append", default=[], help="may be given several times: one file of all")
    parser.add_argument("--dtb", help="a device tree, where U-Boot has none to hand on")
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
            lay_out(files, Payload(args.xen, args.kernel, initrd, args.xen_args, args.dom0_args), dtb=args.dtb)
            make_disk(args.output + ".new", files)
        os.replace(args.output + ".new", args.output)
    except (BootError, OSError) as error:
        sys.exit(f"uboot: {error}")
    print(how_to_write(args.output))


if __name__ == "__main__":
    main()
