/* What a script's heap is made of. Part of engine.c. */

/* The script's heap, counted by what it asked for: the C library's own word of how
   large a block is changes while it is in use. */

#define BEFORE 8

static uint32_t heap_refused; /* since the last export was called */

static size_t size_of(const void *block)
{
    return block ? *(const size_t *)((const uint8_t *)block - BEFORE) : 0;
}

/* Small blocks that were given back, by how many steps they hold: most of what a call
   takes is small, and there again for the next. Only so many are kept of each size, so
   that a script cannot make the memory grow by taking one size after another. */

#define STEP 16
#define SMALL 256
#define KEPT 64

struct kept {
    struct kept *next;
};
static struct kept *kept[SMALL / STEP + 1];
static uint8_t kept_count[SMALL / STEP + 1];

/* Of blocks that are not small, 0. */
static size_t steps_of(size_t whole)
{
    return whole <= SMALL ? (whole + STEP - 1) / STEP : 0;
}

static void *take_block(size_t whole)
{
    size_t steps = steps_of(whole);
    struct kept *found = kept[steps];

    if (!found)
        return malloc(steps ? steps * STEP : whole);
    kept[steps] = found->next;
    kept_count[steps]--;
    return found;
}

static void give_block(void *start, size_t whole)
{
    size_t steps = steps_of(whole);
    struct kept *given = start;

    if (!steps || kept_count[steps] == KEPT) {
        free(start);
        return;
    }
    given->next = kept[steps];
    kept[steps] = given;
    kept_count[steps]++;
}

static void *change_block(void *start, size_t before, size_t after)
{
    size_t steps = steps_of(before);
    void *other;

    if (steps && steps == steps_of(after))
        return start;
    if (!steps && after > SMALL)
        return realloc(start, after);
    other = take_block(after);
    if (other) {
        memcpy(other, start, before < after ? before : after);
        give_block(start, before);
    }
    return other;
}

static void *heap_realloc(JSMallocState *heap, void *block, size_t size)
{
    size_t before = block ? size_of(block) + BEFORE : 0, after = size + BEFORE;
    uint8_t *start = NULL;

    if (size <= INT32_MAX && heap->malloc_size - before + after <= heap->malloc_limit)
        start = block ? change_block((uint8_t *)block - BEFORE, before, after)
                      : take_block(after);
    if (!start) {
        heap_refused = 1;
        return NULL;
    }
    *(size_t *)start = size;
    heap->malloc_size += after - before;
    heap->malloc_count += !block;
    return start + BEFORE;
}

static void heap_free(JSMallocState *heap, void *block)
{
    size_t whole = size_of(block) + BEFORE;

    if (!block)
        return;
    heap->malloc_size -= whole;
    heap->malloc_count--;
    give_block((uint8_t *)block - BEFORE, whole);
}

static void *heap_resize(JSMallocState *heap, void *block, size_t size)
{
    if (size || !block)
        return heap_realloc(heap, block, size);
    heap_free(heap, block);
    return NULL;
}

static void *heap_malloc(JSMallocState *heap, size_t size)
{
    size_t steps = steps_of(size + BEFORE);
    struct kept *found;

    if (size > SMALL - BEFORE || !kept[steps] ||
        heap->malloc_size + size + BEFORE > heap->malloc_limit)
        return heap_realloc(heap, NULL, size);
    found = kept[steps];
    kept[steps] = found->next;
    kept_count[steps]--;
    *(size_t *)found = size;
    heap->malloc_size += size + BEFORE;
    heap->malloc_count++;
    return (uint8_t *)found + BEFORE;
}

static const JSMallocFunctions heap = {
    heap_malloc, heap_free, heap_resize, size_of,
};
