/* Copying and clearing in words, and what is long as the processor does it: this C
   library takes bytes. Part of engine.c. */

#define LONG 64
#define AT_ONCE __attribute__((target("bulk-memory")))

typedef uint64_t word __attribute__((aligned(1), may_alias));
typedef uint32_t half_word __attribute__((aligned(1), may_alias));

AT_ONCE void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    uint8_t *place = to, *end = place + size;
    const uint8_t *next = from, *last = next + size;

    if (size > LONG)
        return __builtin_memcpy(to, from, size);
    if (size >= sizeof(word)) {
        for (; next < last - sizeof(word); place += sizeof(word), next += sizeof(word))
            *(word *)place = *(const word *)next;
        *(word *)(end - sizeof(word)) = *(const word *)(last - sizeof(word));
    } else if (size >= sizeof(half_word)) {
        *(half_word *)place = *(const half_word *)next;
        *(half_word *)(end - sizeof(half_word)) =
            *(const half_word *)(last - sizeof(half_word));
    } else if (size) {
        place[0] = next[0];
        place[size / 2] = next[size / 2];
        end[-1] = last[-1];
    }
    return to;
}

AT_ONCE void *memset(void *to, int byte, size_t size)
{
    uint64_t bytes = 0x0101010101010101u * (uint8_t)byte;
    uint8_t *place = to, *end = place + size;

    if (size > LONG)
        return __builtin_memset(to, byte, size);
    if (size >= sizeof(word)) {
        for (; place < end - sizeof(word); place += sizeof(word))
            *(word *)place = bytes;
        *(word *)(end - sizeof(word)) = bytes;
    } else {
        for (; place < end; place++)
            *(volatile uint8_t *)place = bytes;
    }
    return to;
}
