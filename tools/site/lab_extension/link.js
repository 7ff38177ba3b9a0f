// The way to the agent in the guest (tools/site/kernels.py): frames over v86's virtio console.
// A frame: the whole length, the number of parts, their lengths (32 bits, least byte first), the
// parts; the first is JSON. The console drops what the guest has no room for: a piece goes only
// when the one before has arrived.
const PIECE = 2000;
const encoder = new TextEncoder(), decoder = new TextDecoder();

export class Link {
    // bus: of a machine; take(order, parts): what is done with a frame of the guest's.
    constructor(machine, take) {
        this.machine = machine;
        this.take = take;
        this.out = [];
        this.under_way = 0;
        this.read = new Uint8Array(1 << 16);
        this.length = 0;
        machine.add_listener("virtio-console0-output-bytes", bytes => this.arrived(bytes));
    }

    send(order, ...parts) {
        const whole = [encoder.encode(JSON.stringify(order)), ...parts];
        const size = 4 + 4 * whole.length + whole.reduce((sum, part) => sum + part.byteLength, 0);
        const data = new Uint8Array(4 + size);
        const view = new DataView(data.buffer);
        view.setUint32(0, size, true);
        view.setUint32(4, whole.length, true);
        let at = 8 + 4 * whole.length;
        whole.forEach((part, number) => {
            view.setUint32(8 + 4 * number, part.byteLength, true);
            data.set(part instanceof Uint8Array ? part : new Uint8Array(part.buffer ?? part, part.byteOffset ?? 0, part.byteLength), at);
            at += part.byteLength;
        });
        for (let from = 0; from < data.length; from += PIECE) this.out.push(data.subarray(from, from + PIECE));
        this.push();
    }

    push() {
        if (this.under_way || !this.out.length) return;
        const piece = this.out.shift();
        this.under_way = piece.length;
        this.machine.bus.send("virtio-console0-input-bytes", piece);
    }

    arrived(bytes) {
        if (this.length + bytes.length > this.read.length) {
            const larger = new Uint8Array(2 * (this.length + bytes.length));
            larger.set(this.read.subarray(0, this.length));
            this.read = larger;
        }
        this.read.set(bytes, this.length);
        this.length += bytes.length;
        const view = new DataView(this.read.buffer);
        let from = 0;
        while (this.length - from >= 4) {
            const size = view.getUint32(from, true);
            if (this.length - from < 4 + size) break;
            const count = view.getUint32(from + 4, true);
            let at = from + 8 + 4 * count;
            const parts = [];
            for (let number = 0; number < count; number++) {
                const length = view.getUint32(from + 8 + 4 * number, true);
                parts.push(this.read.slice(at, at + length));
                at += length;
            }
            from += 4 + size;
            const order = JSON.parse(decoder.decode(parts.shift()));
            if (order.op === "got") {
                this.under_way -= order.bytes;
                this.push();
            } else {
                this.take(order, parts);
            }
        }
        this.read.copyWithin(0, from, this.length);
        this.length -= from;
    }
}
