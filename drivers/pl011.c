/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console's UART: a PL011 (Arm DDI 0183) or SBSA's generic UART, which is a subset.  Baud rate
 * and format stay as firmware has set them.
 */
#include "dt.h"
#include "abi.h"
#include "hw.h"
#include "lib.h"
#include "arch.h"
#include <asm/io.h>
#include <xen/errno.h>

enum { UARTDR = 0x00, UARTFR = 0x18, UARTCR = 0x30, UARTIMSC = 0x38, UARTICR = 0x44 };
#define FR_RXFE   (1u << 4)
#define FR_TXFF   (1u << 5)
#define CR_ENABLE ((1u << 0) | (1u << 8) | (1u << 9)) /* UART, transmitter, receiver */
#define INT_RX    (1u << 4)
/* Receive timeout: there are characters, but fewer than the trigger level. */
#define INT_RT (1u << 6)

static volatile void *uart;
static bool sbsa, irq_edge;
uint32_t uart_intid;
paddr_t uart_base;

/* `path`: a full path or an alias, with options after ':' as in stdout-path. */
static int find_node(const void *fdt, const char *path)
{
    if (!path) {
        int chosen = fdt_path_offset(fdt, "/chosen");
        path = fdt_getprop(fdt, chosen, "stdout-path", NULL);
        if (!path)
            path = fdt_getprop(fdt, chosen, "linux,stdout-path", NULL);
        if (!path)
            return -FDT_ERR_NOTFOUND;
    }
    const char *colon = strchr(path, ':');
    return fdt_path_offset_namelen(fdt, path, (int)(colon ? (size_t)(colon - path) : strlen(path)));
}

int uart_probe(const void *fdt, const char *path)
{
    int node = find_node(fdt, path);
    uint64_t bytes;
    paddr_t pa;

    if (node < 0)
        return -XEN_ENODEV;
    sbsa = fdt_node_check_compatible(fdt, node, "arm,sbsa-uart") == 0;
    if (!sbsa && fdt_node_check_compatible(fdt, node, "arm,pl011"))
        return -XEN_ENODEV;
    if (dt_reg(fdt, node, 0, &pa, &bytes))
        return -XEN_EINVAL;
    volatile void *va = arch_map_device(pa, bytes);
    if (!va)
        return -XEN_ENOMEM;
    if (!dt_interrupt(fdt, node, 0, &uart_intid, &irq_edge))
        uart_intid = 0;
    uart_base = pa;
    io_write32(va, UARTIMSC, 0);
    if (!sbsa)
        io_write32(va, UARTCR, io_read32(va, UARTCR) | CR_ENABLE);
    uart = va;
    return 0;
}

void uart_putc(char c)
{
    if (!uart)
        return;
    while (io_read32(uart, UARTFR) & FR_TXFF)
        ;
    io_write32(uart, UARTDR, (uint8_t)c);
}

int uart_getc(void)
{
    if (!uart || (io_read32(uart, UARTFR) & FR_RXFE))
        return -1;
    return (int)(io_read32(uart, UARTDR) & 0xff);
}

/* The interrupt is a level; it falls when uart_getc() has emptied the FIFO. */
void uart_irq_enable(void)
{
    if (!uart || !uart_intid)
        return;
    io_write32(uart, UARTICR, 0x7ff);
    io_write32(uart, UARTIMSC, INT_RX | INT_RT);
    gic->set_type(uart_intid, irq_edge);
    gic->route(uart_intid, 0);
    gic->enable(uart_intid);
}
