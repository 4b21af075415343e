/* What a script's heap is made of. Part of engine.c. */

/* The script's heap, counted by what it asked for: the C library's own word of how
   large a block is changes while it is in use. */

#define BEFORE 8

static uint32_t heap_refused; /* since the last export was called */

static size_t size_of(const void *block)
{
    return block ? *(const size_t *)((const uint8_t *)block - BEFORE) : 0;
}

static void *heap_realloc(JSMallocState *heap, void *block, size_t size)
{
    size_t before = block ? size_of(block) + BEFORE : 0, after = size + BEFORE;
    uint8_t *start = block ? (uint8_t *)block - BEFORE : NULL;

    if (size > INT32_MAX || heap->malloc_size - before + after > heap->malloc_limit)
        start = NULL;
    else
        start = realloc(start, after);
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
    if (!block)
        return;
    heap->malloc_size -= size_of(block) + BEFORE;
    heap->malloc_count--;
    free((uint8_t *)block - BEFORE);
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
    return heap_realloc(heap, NULL, size);
}

static const JSMallocFunctions heap = {
    heap_malloc, heap_free, heap_resize, size_of,
};
