# SPDX-License-Identifier: BSD-2-Clause
# U-Boot's script for xen-lite, on arm64 and arm32. It loads the hypervisor and its modules from the device that
# the script came from (a disk, an SD card, TFTP), describes the modules in the device tree as Xen's boot protocol
# requires, and starts the hypervisor.
# `make image` compiles it into the boot partition: mkimage -A arm -T script -C none -d boot.cmd boot.scr.uimg
#
# The same folder has xen-lite, vmlinuz, initrd (may be absent), and options.env with these lines:
#   xen_args=OPTIONS          for xen-lite
#   dom0_args=OPTIONS         for the control domain's kernel
#   dtb=FILE                  a device tree in the same folder, if U-Boot has none in memory, or a wrong one

if test "${devtype}" = dhcp; then
    setenv get 'tftpboot ${at} ${file}'
else
    setenv get 'load ${devtype} ${devnum}:${distro_bootpart} ${at} ${prefix}${file}'
fi
# Variables of an earlier boot must not be taken for those of this one.
setenv dtb
setenv missing
setenv ramdisk_bytes

# The hypervisor and its memory need less than 12 MiB. After it: space for a device tree, then the modules.
setexpr tree_at ${kernel_addr_r} + 0xc00000
setexpr kernel_at ${kernel_addr_r} + 0x1000000
setenv at ${kernel_at}
setenv file options.env
if run get; then env import -t ${at} ${filesize} xen_args dom0_args dtb; else setenv missing ${file}; fi

# The machine's device tree: a file, the firmware's (QEMU), or U-Boot's own.
if test -n "${dtb}"; then
    setenv at ${tree_at}
    setenv file ${dtb}
    run get || setenv missing ${file}
elif test -n "${fdt_addr}"; then
    setenv tree_at ${fdt_addr}
else
    fdt addr ${fdtcontroladdr}
    fdt move ${fdtcontroladdr} ${tree_at}
fi

setenv at ${kernel_addr_r}
setenv file xen-lite
run get || setenv missing ${file}
setenv at ${kernel_at}
setenv file vmlinuz
if run get; then setenv kernel_bytes ${filesize}; else setenv missing ${file}; fi
setexpr ramdisk_at ${kernel_at} + ${kernel_bytes}
setexpr ramdisk_at ${ramdisk_at} + 0x1fffff
setexpr ramdisk_at ${ramdisk_at} / 0x200000
setexpr ramdisk_at ${ramdisk_at} * 0x200000
setenv at ${ramdisk_at}
setenv file initrd
if run get; then setenv ramdisk_bytes ${filesize}; fi

fdt addr ${tree_at}
fdt resize 0x2000
fdt set /chosen \#address-cells <1>
fdt set /chosen \#size-cells <1>
fdt set /chosen xen,xen-bootargs "${xen_args}"
fdt mknode /chosen module@${kernel_at}
fdt set /chosen/module@${kernel_at} compatible multiboot,kernel multiboot,module
fdt set /chosen/module@${kernel_at} reg <0x${kernel_at} 0x${kernel_bytes}>
fdt set /chosen/module@${kernel_at} bootargs "${dom0_args}"
if test -n "${ramdisk_bytes}"; then
    fdt mknode /chosen module@${ramdisk_at}
    fdt set /chosen/module@${ramdisk_at} compatible multiboot,ramdisk multiboot,module
    fdt set /chosen/module@${ramdisk_at} reg <0x${ramdisk_at} 0x${ramdisk_bytes}>
fi

# The two widths differ in the header of their images, so also in the command that starts them.
if test -n "${missing}"; then
    echo "xen-lite: ${missing} cannot be read: not started"
elif test "${cpu}" = armv8; then
    booti ${kernel_addr_r} - ${tree_at}
else
    bootz ${kernel_addr_r} - ${tree_at}
fi
