# mentor::torch, LibTorch as scripts/setup.sh unpacks it or as a Python torch has it. The CMake
# package inside the wheel is not used: it refuses machines without a CUDA toolkit.

set(MENTOR_TORCH_VERSION 2.11.0)

if(DEFINED ENV{MENTOR_DEPS})
  set(MENTOR_DEPS_DEFAULT $ENV{MENTOR_DEPS})
else()
  set(MENTOR_DEPS_DEFAULT $ENV{HOME}/.cache/mentor)
endif()
set(MENTOR_DEPS ${MENTOR_DEPS_DEFAULT} CACHE PATH "Where scripts/setup.sh unpacked LibTorch")
set(MENTOR_TORCH_DIR "$ENV{MENTOR_TORCH_DIR}" CACHE PATH
    "An installed Python torch ${MENTOR_TORCH_VERSION} (the folder that holds lib/ and include/)")

# The tree with CUDA holds all that the one without does.
set(torch_candidates ${MENTOR_DEPS}/torch-${MENTOR_TORCH_VERSION}-cuda/torch)
if(NOT MENTOR_WITH_CUDA)
  list(PREPEND torch_candidates ${MENTOR_DEPS}/torch-${MENTOR_TORCH_VERSION}/torch)
endif()
if(MENTOR_TORCH_DIR)
  set(torch_candidates ${MENTOR_TORCH_DIR})
endif()
set(torch_dir "")
foreach(candidate ${torch_candidates})
  if(NOT torch_dir AND EXISTS ${candidate}/lib/libtorch_cpu.so)
    set(torch_dir ${candidate})
  endif()
endforeach()
if(NOT torch_dir)
  if(MENTOR_WITH_CUDA)
    set(cure "MENTOR_WITH_CUDA=ON scripts/setup.sh")
  else()
    set(cure "scripts/setup.sh")
  endif()
  message(FATAL_ERROR "LibTorch is not in ${torch_candidates}: run '${cure}', or set "
                      "MENTOR_TORCH_DIR to an installed torch ${MENTOR_TORCH_VERSION}")
endif()

read_version(torch_version ${torch_dir}/include/torch/headeronly/version.h TORCH_VERSION)
if(NOT torch_version VERSION_EQUAL MENTOR_TORCH_VERSION)
  message(FATAL_ERROR "${torch_dir} holds torch ${torch_version}: this program needs "
                      "${MENTOR_TORCH_VERSION} (unset MENTOR_TORCH_DIR, run scripts/setup.sh)")
endif()
mentor_dependency(LibTorch "" TRUE ${torch_version} ${torch_dir})

get_filename_component(nvidia_dir ${torch_dir}/../nvidia ABSOLUTE)
file(GLOB nvidia_library_dirs ${nvidia_dir}/*/lib)

find_package(Threads REQUIRED)
add_library(mentor::torch INTERFACE IMPORTED GLOBAL)
target_include_directories(mentor::torch SYSTEM INTERFACE
                           ${torch_dir}/include ${torch_dir}/include/torch/csrc/api/include)
# FMT_HEADER_ONLY: the fmt in torch's include directory is not the one that Debian's library holds.
target_compile_definitions(mentor::torch INTERFACE USE_DISTRIBUTED USE_C10D_GLOO FMT_HEADER_ONLY=1)
target_link_libraries(mentor::torch INTERFACE ${torch_dir}/lib/libtorch_cpu.so
                      ${torch_dir}/lib/libc10.so Threads::Threads)
# at::parallel_for() is a header that runs on one thread unless it is compiled with OpenMP, and it
# must be the OpenMP library that LibTorch brings.
target_compile_options(mentor::torch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
target_link_libraries(mentor::torch INTERFACE ${torch_dir}/lib/libgomp.so.1)
foreach(directory ${nvidia_library_dirs})
  target_link_options(mentor::torch INTERFACE LINKER:-rpath-link,${directory})
endforeach()

# Binaries find LibTorch, and it finds its NVIDIA companions through its own relative rpath: the
# checkout and an installed tree may be moved, MENTOR_DEPS may not. One rpath for both, because CMake
# pads that of the build tree with colons, which stand for the current folder.
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
set(CMAKE_INSTALL_RPATH ${torch_dir}/lib)

if(MENTOR_WITH_CUDA)
  # Headers: the CUDA wheels, or a toolkit where torch came with pip (without the crt headers).
  set(cuda_include "")
  foreach(root ${nvidia_dir}/cu13 $ENV{CUDA_HOME} /usr/local/cuda-13.0 /usr/local/cuda)
    if(NOT cuda_include AND EXISTS ${root}/include/cuda_runtime_api.h
       AND EXISTS ${root}/include/crt/host_defines.h)
      set(cuda_include ${root}/include)
    endif()
  endforeach()
  if(NOT cuda_include OR NOT EXISTS ${torch_dir}/lib/libtorch_cuda.so)
    message(FATAL_ERROR "The CUDA 13.0 headers or libtorch_cuda.so are missing beside ${torch_dir}: "
                        "run 'MENTOR_WITH_CUDA=ON scripts/setup.sh', or install the CUDA 13.0 "
                        "toolkit and set CUDA_HOME. MENTOR_WITH_CUDA=OFF builds for the CPU")
  endif()
  file(STRINGS ${cuda_include}/cuda.h cuda_version REGEX "define CUDA_VERSION [0-9]")
  string(REGEX REPLACE "[^0-9]+" "" cuda_version "${cuda_version}")
  math(EXPR cuda_major "${cuda_version} / 1000")
  math(EXPR cuda_minor "${cuda_version} % 1000 / 10")
  mentor_dependency(CUDA "" TRUE ${cuda_major}.${cuda_minor} ${cuda_include})
  file(GLOB nvidia_includes ${nvidia_dir}/*/include)
  target_include_directories(mentor::torch SYSTEM INTERFACE
                             ${cuda_include} ${cuda_include}/cccl ${nvidia_includes})
  target_compile_definitions(mentor::torch INTERFACE USE_C10D_NCCL MENTOR_WITH_CUDA)
  # Nothing may refer to libtorch_cuda by name, yet loading it is what registers its kernels.
  target_link_options(mentor::torch INTERFACE
                      LINKER:--push-state,--no-as-needed,${torch_dir}/lib/libtorch_cuda.so,--pop-state)
  file(GLOB cudart ${nvidia_dir}/cu13/lib/libcudart.so.*)
  target_link_libraries(mentor::torch INTERFACE ${torch_dir}/lib/libtorch_cuda.so
                        ${torch_dir}/lib/libc10_cuda.so ${cudart})

  list(APPEND CMAKE_INSTALL_RPATH ${nvidia_dir}/cu13/lib)

  find_program(MENTOR_NVCC nvcc HINTS ${nvidia_dir}/cu13/bin $ENV{CUDA_HOME}/bin
               /usr/local/cuda-13.0/bin /usr/local/cuda/bin NO_CACHE)
  if(MENTOR_NVCC)
    set(CMAKE_CUDA_COMPILER ${MENTOR_NVCC} CACHE FILEPATH "CUDA compiler")
    set(CMAKE_CUDA_ARCHITECTURES 80 90 CACHE STRING "GPU generations to compile kernels for")
    set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)
    set(CMAKE_CUDA_STANDARD 20)
    enable_language(CUDA)
    mentor_dependency("CUDA compiler" "" TRUE ${CMAKE_CUDA_COMPILER_VERSION} ${MENTOR_NVCC})
  endif()
endif()
