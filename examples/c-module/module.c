/* A light meter: a whole module for ringfence in plain C.
 *
 * A host loads it, or runs it in a sandboxed worker process, and cannot tell it from one in Rust. All that it takes is
 * one header:
 *
 *     cc -shared -fPIC -O2 -I ../../include -o light_meter.so module.c
 *
 * light_meter.mojom is the interface: `mojomc dump light_meter.mojom` prints its hash. Methods and events are numbered from
 * 1, in its order. A message starts with the fixed part of all fields: 8 bytes for a double or an array, 4 for a uint32.
 */
#include <ringfence.h>

#define MEASURE 1
#define TOO_BRIGHT 1
#define WHITE 4095

RINGFENCE_MODULE("c light meter", 1, 0, 0, "example", 1, 1, "example.LightMeterInterface", 0xca210455c1edca24, "");

/* measure(array<uint16> pixels) => (double mean, uint32 clipped) */
static void
measure(struct ringfence *host, struct ringfence_call *call, struct ringfence_draft *draft)
{
    struct ringfence_in parameters = ringfence_read(call, 8);
    size_t count;
    struct ringfence_in pixels = ringfence_get_array(&parameters, sizeof(uint16_t), &count);
    uint64_t sum = 0;
    uint32_t clipped = 0;
    for (size_t index = 0; index < count; index++) {
        uint16_t pixel = ringfence_get_u16(&pixels);
        sum += pixel;
        clipped += pixel >= WHITE;
    }
    /* One check in the end is enough: what cannot be read is zero. */
    if (!ringfence_read_all(call)) {
        ringfence_fault(host, call, call->problem);
        return;
    }

    if (count > 0 && clipped >= count - clipped) {
        struct ringfence_out event = ringfence_write(draft, 4);
        ringfence_put_u32(&event, clipped);
        ringfence_emit(host, TOO_BRIGHT, draft);
    }

    struct ringfence_out results = ringfence_write(draft, 12);
    ringfence_put_f64(&results, count > 0 ? (double)sum / (double)count : 0);
    ringfence_put_u32(&results, clipped);
    ringfence_reply(host, call, draft);
}

/* Serves one host until it is done. A host may call this again meanwhile: state belongs here, not into globals. */
int32_t
ringfence_module_serve(int32_t socket, uint32_t flags, char *reason, size_t reason_bytes)
{
    struct ringfence host;
    struct ringfence_call call;
    struct ringfence_draft draft = RINGFENCE_DRAFT;

    if (ringfence_accept(&host, socket, flags, &ringfence_module_info))
        while (ringfence_receive(&host, &call)) {
            if (call.method == MEASURE)
                measure(&host, &call, &draft);
            else
                ringfence_fault(&host, &call, "there is no such method");
        }
    ringfence_draft_free(&draft);
    return ringfence_close(&host, reason, reason_bytes);
}
