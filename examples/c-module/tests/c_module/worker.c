/* Makes a worker program of a module: it serves the connection that the host left as standard input. */
#include <ringfence.h>

int
main(void)
{
    char reason[RINGFENCE_REASON_BYTES];
    int32_t result = ringfence_module_serve(STDIN_FILENO, RINGFENCE_OWN_PROCESS, reason, sizeof(reason));
    if (result != 0)
        fprintf(stderr, "%s: %s\n", ringfence_module_info.name, reason);
    return result;
}
