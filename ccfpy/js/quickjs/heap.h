/* What a script's heap is made of. Part of engine.c. */

/* The script's heap, counted by what it asked for: the C library's own word of how
   large a block is changes while it is in use. Before each block stand its size and a
   seal, which follows from the block's place and size. What writes beyond one block
   breaks the next one's seal; who gives that block back, or changes its size, traps, and
   the instance is dropped. */

#define BEFORE 8
#define SEAL 0x5ea1ed0b

struct head {
    size_t size;
    uint32_t seal;
};

static uint32_t heap_refused; /* since the last export was called */

static uint32_t seal_of(const void *place, size_t word)
{
    return (uint32_t)(uintptr_t)place ^ (uint32_t)word ^ SEAL;
}

static void require_seal(const void *place, size_t word, uint32_t seal)
{
    if (seal != seal_of(place, word))
        __builtin_trap();
}

static void *sealed(void *start, size_t size)
{
    struct head *head = start;

    head->size = size;
    head->seal = seal_of(head, size);
    return (uint8_t *)start + BEFORE;
}

static size_t size_of(const void *block)
{
    const struct head *head;

    if (!block)
        return 0;
    head = (const struct head *)((const uint8_t *)block - BEFORE);
    require_seal(head, head->size, head->seal);
    return head->size;
}

/* Small blocks that were given back, by how many steps they hold: most of what a call
   takes is small, and there again for the next. Only so many are kept of each size, so
   that a script cannot make the memory grow by taking one size after another. */

#define STEP 16
#define SMALL 256
#define KEPT 64

struct kept {
    struct kept *next;
    uint32_t seal;
};
static struct kept *kept[SMALL / STEP + 1];
static uint8_t kept_count[SMALL / STEP + 1];

static void keep(struct kept *given, size_t steps)
{
    given->next = kept[steps];
    given->seal = seal_of(given, (uintptr_t)given->next);
    kept[steps] = given;
    kept_count[steps]++;
}

static struct kept *take_kept(size_t steps)
{
    struct kept *found = kept[steps];

    require_seal(found, (uintptr_t)found->next, found->seal);
    kept[steps] = found->next;
    kept_count[steps]--;
    return found;
}

/* Of blocks that are not small, 0. */
static size_t steps_of(size_t whole)
{
    return whole <= SMALL ? (whole + STEP - 1) / STEP : 0;
}

static void *take_block(size_t whole)
{
    size_t steps = steps_of(whole);

    if (kept[steps])
        return take_kept(steps);
    return malloc(steps ? steps * STEP : whole);
}

static void give_block(void *start, size_t whole)
{
    size_t steps = steps_of(whole);

    if (!steps || kept_count[steps] == KEPT)
        free(start);
    else
        keep(start, steps);
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
    heap->malloc_size += after - before;
    heap->malloc_count += !block;
    return sealed(start, size);
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

    if (size > SMALL - BEFORE || !kept[steps] ||
        heap->malloc_size + size + BEFORE > heap->malloc_limit)
        return heap_realloc(heap, NULL, size);
    heap->malloc_size += size + BEFORE;
    heap->malloc_count++;
    return sealed(take_kept(steps), size);
}

static const JSMallocFunctions heap = {
    heap_malloc, heap_free, heap_resize, size_of,
};

/* QuickJS resizes no shared buffer: it takes the largest size at once, from what it is
   told to take shared memory from, and without that has only the first size to grow in. */

static void *take_shared(void *opaque, size_t size)
{
    return js_malloc(context, size);
}

static void give_shared(void *opaque, void *block)
{
    js_free(context, block);
}

static const JSSharedArrayBufferFunctions shared_heap = {
    .sab_alloc = take_shared,
    .sab_free = give_shared,
};
