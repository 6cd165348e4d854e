/* A module that does what the tests of ringfence.h ask: everything that the header can, from one thread and several. */
#include <ringfence.h>

#include <pthread.h>

enum { PING = 1, ECHO, REPEAT, SWAP, OPEN_FDS, FLOOD, GIVE, GROW, REFUSE, REFUSE_LATER, FORGET };
enum { TOLD = 1, GAVE };

RINGFENCE_MODULE("exerciser", 1, 2, 3, "test", 1, 2, "test.ExerciserInterface", EXERCISER_HASH, "");

static void
lock(void *mutex)
{
    pthread_mutex_lock((pthread_mutex_t *)mutex);
}

static void
unlock(void *mutex)
{
    pthread_mutex_unlock((pthread_mutex_t *)mutex);
}

struct teller {
    struct ringfence *host;
    pthread_t thread;
    uint32_t number, events, bytes;
};

/** Sends a teller's events. */
static void *
tell(void *context)
{
    struct teller *teller = (struct teller *)context;
    struct ringfence_draft draft = RINGFENCE_DRAFT;
    uint8_t *filling = (uint8_t *)malloc(teller->bytes + 1);
    memset(filling, (int)(teller->number & 0xff), teller->bytes + 1);
    for (uint32_t event = 0; event < teller->events; event++) {
        struct ringfence_out out = ringfence_write(&draft, 16);
        ringfence_put_u32(&out, teller->number);
        ringfence_put_u32(&out, event);
        ringfence_put_bytes(&out, filling, 1, teller->bytes);
        if (!ringfence_emit(teller->host, TOLD, &draft))
            break;
    }
    free(filling);
    ringfence_draft_free(&draft);
    return NULL;
}

static void
flood(struct ringfence *host, struct ringfence_call *call)
{
    struct teller tellers[16];
    struct ringfence_in in = ringfence_read(call, 12);
    uint32_t threads = ringfence_get_u32(&in), events = ringfence_get_u32(&in), bytes = ringfence_get_u32(&in), started = 0;
    if (!ringfence_read_all(call) || threads > 16 || bytes > 1u << 20)
        return;
    for (uint32_t number = 0; number < (threads > 0 ? threads : 1); number++) {
        tellers[number].host = host;
        tellers[number].number = number;
        tellers[number].events = events;
        tellers[number].bytes = bytes;
    }
    if (threads == 0)
        tell(&tellers[0]);
    while (started < threads && pthread_create(&tellers[started].thread, NULL, tell, &tellers[started]) == 0)
        started++;
    for (uint32_t number = 0; number < started; number++)
        pthread_join(tellers[number].thread, NULL);
}

static void
copy_text(struct ringfence_in *in, struct ringfence_out *out)
{
    size_t length;
    const char *text = ringfence_get_text(in, &length);
    ringfence_put_text(out, text, length);
}

/** Reads every field with a function of its own and writes it with the other. */
static void
repeat(struct ringfence_call *call, struct ringfence_draft *draft)
{
    const size_t fixed = 1 + 2 * (1 + 2 + 4 + 8) + 4 + 8 + 4 * 8, inner_bytes = 18, pair_bytes = 12;
    struct ringfence_in in = ringfence_read(call, fixed);
    struct ringfence_out out = ringfence_write(draft, fixed);
    size_t count, words, numbers;
    ringfence_put_bool(&out, ringfence_get_bool(&in));
    ringfence_put_u8(&out, ringfence_get_u8(&in));
    ringfence_put_i8(&out, ringfence_get_i8(&in));
    ringfence_put_u16(&out, ringfence_get_u16(&in));
    ringfence_put_i16(&out, ringfence_get_i16(&in));
    ringfence_put_u32(&out, ringfence_get_u32(&in));
    ringfence_put_i32(&out, ringfence_get_i32(&in));
    ringfence_put_u64(&out, ringfence_get_u64(&in));
    ringfence_put_i64(&out, ringfence_get_i64(&in));
    ringfence_put_f32(&out, ringfence_get_f32(&in));
    ringfence_put_f64(&out, ringfence_get_f64(&in));
    copy_text(&in, &out);
    struct ringfence_in inners = ringfence_get_array(&in, inner_bytes, &count);
    struct ringfence_out inners_out = ringfence_put_array(&out, inner_bytes, count);
    for (size_t index = 0; index < count; index++) {
        copy_text(&inners, &inners_out);
        struct ringfence_in texts = ringfence_get_array(&inners, 8, &words);
        struct ringfence_out texts_out = ringfence_put_array(&inners_out, 8, words);
        for (size_t word = 0; word < words; word++)
            copy_text(&texts, &texts_out);
        ringfence_put_i16(&inners_out, ringfence_get_i16(&inners));
    }
    struct ringfence_in pairs = ringfence_get_array(&in, pair_bytes, &count);
    struct ringfence_out pairs_out = ringfence_put_array(&out, pair_bytes, count);
    for (size_t index = 0; index < count; index++) {
        ringfence_put_u32(&pairs_out, ringfence_get_u32(&pairs));
        const uint8_t *values = ringfence_get_bytes(&pairs, sizeof(double), &numbers);
        ringfence_put_bytes(&pairs_out, values, sizeof(double), numbers);
    }
    copy_text(&in, &out);
}

static void
swap(struct ringfence_call *call, struct ringfence_draft *draft, int *fds, size_t *count)
{
    struct ringfence_in in = ringfence_read(call, 8);
    struct ringfence_in places = ringfence_get_array(&in, 4, count);
    if (*count > RINGFENCE_MAX_FDS)
        *count = RINGFENCE_MAX_FDS;
    for (size_t index = 0; index < *count; index++)
        fds[index] = ringfence_get_fd(&places);
    struct ringfence_out out = ringfence_write(draft, 8);
    struct ringfence_out reversed = ringfence_put_array(&out, 4, *count);
    for (size_t index = *count; index-- > 0;)
        ringfence_put_fd(&reversed, fds[index]);
}

static uint32_t
open_fds(void)
{
    uint32_t count = 0;
    for (int fd = 0; fd < 4096; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/** Serves a call, and sends a reply or a fault, if it is to have one. */
static void
serve(struct ringfence *host, struct ringfence_call *call, struct ringfence_draft *draft)
{
    int fds[RINGFENCE_MAX_FDS];
    char why[300];
    size_t count = 0;
    struct ringfence_in in;
    struct ringfence_out out = ringfence_write(draft, 4);
    switch (call->method) {
    case PING:
        in = ringfence_read(call, 4);
        ringfence_put_u32(&out, ringfence_get_u32(&in));
        break;
    case ECHO: {
        in = ringfence_read(call, 8);
        const uint8_t *bytes = ringfence_get_bytes(&in, 1, &count);
        out = ringfence_write(draft, 8);
        ringfence_put_bytes(&out, bytes, 1, count);
        count = 0;
        break;
    }
    case REPEAT:
        repeat(call, draft);
        break;
    case SWAP:
        swap(call, draft, fds, &count);
        break;
    case OPEN_FDS:
        ringfence_read(call, 0);
        ringfence_put_u32(&out, open_fds());
        break;
    case FLOOD:
        flood(host, call);
        return;
    case GIVE:
        in = ringfence_read(call, 4);
        fds[0] = ringfence_get_fd(&in);
        count = 1;
        if (ringfence_read_all(call)) {
            ringfence_put_fd(&out, fds[0]);
            ringfence_emit(host, GAVE, draft);
        }
        break;
    case GROW: {
        in = ringfence_read(call, 4);
        uint32_t bytes = ringfence_get_u32(&in);
        out = ringfence_write(draft, 8);
        ringfence_put_array(&out, 1, bytes);
        break;
    }
    case REFUSE:
    case REFUSE_LATER: {
        in = ringfence_read(call, 8);
        size_t length;
        const char *text = ringfence_get_text(&in, &length);
        rfi_say(why, sizeof(why), "%.*s", (int)(length < 256 ? length : 256), text);
        ringfence_fault(host, call, ringfence_read_all(call) ? why : call->problem);
        return;
    }
    case FORGET:
        return;
    default:
        ringfence_fault(host, call, "there is no such method");
        return;
    }
    if (ringfence_read_all(call))
        ringfence_reply(host, call, draft);
    else
        ringfence_fault(host, call, call->problem);
    for (size_t index = 0; index < count; index++)
        if (fds[index] >= 0)
            close(fds[index]);
}

int32_t
ringfence_module_serve(int32_t socket, uint32_t flags, char *reason, size_t reason_bytes)
{
    pthread_mutex_t mutex;
    struct ringfence host;
    struct ringfence_call call;
    struct ringfence_draft draft = RINGFENCE_DRAFT;
    pthread_mutex_init(&mutex, NULL);
    if (ringfence_accept(&host, socket, flags, &ringfence_module_info)) {
        ringfence_set_lock(&host, lock, unlock, &mutex);
        while (ringfence_receive(&host, &call))
            serve(&host, &call, &draft);
    }
    ringfence_draft_free(&draft);
    int32_t result = ringfence_close(&host, reason, reason_bytes);
    pthread_mutex_destroy(&mutex);
    return result;
}
